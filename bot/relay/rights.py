"""Who may act on an answer."""

from bot.domain.deliveries import Delivery
from bot.relay.contract import Command, Press


def may_act(wish: Command | Press, delivery: Delivery) -> bool:
    """Whether it comes from the person who asked, or from a moderator of the place where they asked."""
    person, asker, address = wish.person, delivery.asker, delivery.address
    if (person.platform, person.id) == (asker.platform, asker.id):
        return True
    same_place = wish.scope != "" and (person.platform, wish.scope) == (address.platform, address.scope)
    return wish.moderator and same_place
