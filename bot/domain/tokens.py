"""How long a text is for a model, without the model's own tokenizer."""

CHARACTERS_PER_TOKEN = 4
"""Of English text, as the providers' own documentation says."""

BYTES_PER_TOKEN = 5
"""Of UTF-8; what counts for scripts whose characters take two to four bytes."""


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` has, rounded up: the larger of characters / 4 and UTF-8 bytes / 5.

    Good enough to keep a request within a context window with some reserve; never shown as a measurement.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    return max(-(-len(text) // CHARACTERS_PER_TOKEN), -(-size // BYTES_PER_TOKEN))
