"""How long a request may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds (T11). Every byte counts as life, also a comment of a stream."""

    connect: float = 10.0
    first_byte: float = 60.0
    """From the request to the head of the answer, and from there to the first of a stream."""
    silence: float = 60.0
    """Between two pieces of a body."""
    whole_answer: float = 600.0
    """For a chat that is not streamed, from the request to the last byte: it comes when it is whole. In a stream, for
    signs of life that say nothing of the answer.
    """
    ending: float = 5.0
    """In place of `silence` once a stream has told its finish reason: only the count of tokens may follow."""
    error_body: float = 5.0
    """For the body of an error, from its head on: its status is known already."""
    total: float = 30.0
    """For a whole answer that is not streamed, and for all pages and tries of it; not for a chat."""
    drain: float = 0.1
    """For the rest of a finished stream, so that its connection can be used again."""
