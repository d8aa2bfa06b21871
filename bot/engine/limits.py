"""How much one process and one run may do."""

from pydantic import Field

from bot.domain.lanes import LEASE_SECONDS
from bot.domain.record import Record


class EngineLimits(Record):
    """Bounds and rhythms of the engine. Times are seconds, texts are characters."""

    # --- the process
    lanes: int = Field(default=200, ge=1)
    """Lanes worked on at once, each with at most one answer. One core carries about 150 that stream at the same time
    (docs/PERFORMANCE.md); most only wait for the model or a tool."""
    poll: float = 2.0
    """Longest wait between two looks for ready lanes: what another process tells may get lost with a connection."""
    heartbeat: float = 2.0
    """Between two beats: a third of `lease`."""
    lease: float = LEASE_SECONDS
    """A process whose last beat is older has lost its lanes; the store frees them after `LEASE_SECONDS`."""
    drain: float = 20.0
    """How long running work may go on after the process was told to stop (Heroku kills after 30)."""
    job_look: float = 5.0
    """Least time between two looks whether a periodic job is due that another process had."""
    expire_every: float = 15.0
    """Between two looks for runs whose time is over and that nobody works on."""
    clean_every: float = 3600.0
    """Between two rounds of cleaning the database."""
    keys_age: float = 7 * 86_400.0
    """Age at which dedupe keys are forgotten: no platform sends an event again after a week."""
    files_age: float = 86_400.0
    """Age at which a file is forgotten that no message has claimed."""
    stop_poll: float = 2.0
    """Longest wait between two looks for Stops that were pressed at another process, when no wake-up comes."""
    deliveries: int = Field(default=12, ge=1)
    """How often the delivery of an answer may fail for an unforeseen reason before this process abandons it."""
    delivery_delay: float = 5.0
    """After the first failed delivery; doubles up to `delivery_delay_most`."""
    delivery_delay_most: float = 300.0
    delivery_patience: float = 86_400.0
    """Age at which a delivery is abandoned because its platform is away or limits us; until then it is tried again."""

    # --- a run
    rounds: int = Field(default=16, ge=1)
    """Turns with tool calls in one run."""
    attempts: int = Field(default=3, ge=1)
    """How often one model turn is asked when its answers break off or are empty, before the run fails."""
    lives: int = Field(default=5, ge=1)
    """How many processes may die in the middle of one model turn before the run fails."""
    backoff: float = 1.0
    """Before the second attempt; doubles with each attempt."""
    outages: int = Field(default=4, ge=1)
    """How often one model turn may find the provider away or limiting requests before the run fails."""
    outage_backoff: float = 10.0
    """After the first outage; doubles with each. With four it bridges 70 seconds, whatever the models room adds."""
    patience: float = 5.0
    """A wait before the next attempt that is longer gives the lane back instead of holding it."""

    # --- a turn
    calls: int = Field(default=16, ge=1)
    """Tool calls of one turn that are run; further ones are refused."""
    parallel_calls: int = Field(default=8, ge=1)
    """Tool calls that run at the same time."""
    call_retry: float = 0.5
    """Between two tries to write down what came of a call, while the database is away."""
    begins: int = Field(default=3, ge=1)
    """How often a tool call that may be repeated is begun when processes die in the middle of it."""
    turn_text: int = 400_000
    """An answer is cut here, as if the token limit had been hit."""
    call_arguments: int = 262_144
    """The arguments of a call are cut here, and the call is refused."""
    checkpoint: float = 2.0
    """Least time between two records of a growing text. Nobody waits for one, and once a second they were a third
    of the cost of a stream."""

    # --- what the model reads
    output_reserve: int = 4096
    """Tokens of the model's window that are kept free for its answer."""
    page: int = Field(default=50, ge=2)
    """Messages that are read from the store at once."""
    window_messages: int = Field(default=200, ge=2)
    """Messages that are read word for word at most; what is older is summarised."""
    summary_messages: int = 400
    """Messages that one summary reads at most; what is older than those is left out, and the summary says so."""
    summary_tokens: int = 1_000
    """Length that a summary may have."""
    earlier_output: int = 1_000
    """Characters that remain of the outputs of tool calls of earlier runs."""
    file_text: int = 60_000
    """Characters of one text file that are shown to the model."""
    files_share: float = 0.4
    """Part of the window that the texts of attached files may take together."""
    images: int = 8
    """The newest images that are shown to the model."""
    image_bytes: int = 5_000_000
    """Larger images are only named."""
