"""What the scripted models answer: chosen by words in the last user message.

====================================  ======================================================================
words in the last user message        the answer
====================================  ======================================================================
`who are you`, `what are you`         says that it is a scripted stand-in of the sandbox
`hello`, `hi`, `hey` at the start     a short welcome
`long 32000`                          that many tokens of prose with headings, lists and fences (to 200,000)
`table 500`                           a table of that many rows, to 10,000 (`big table`: 400)
`fence 2000`                          a Python fence of that many lines, to 10,000 (`big fence`: 2,000)
`hostile`                             escape sequences, OSC 52, C1, bidi, markup, bad links
`unicode`                             CJK, emoji, Arabic, Hebrew, combining marks
`markdown`                            every kind of Markdown, with code in five languages
`reason`, `think`                     reasoning first, then the answer (`reasoning_content`)
`reasoning field`                     the same in a field named `reasoning`
`python`, `rust`, `sql`, `bash`,      a short answer with that in it
`typescript`, `code`, `table`
`repeat: …`, `echo: …`                the text after the colon, unchanged
`say nothing`                         an empty answer
`filtered`                            broken off with finish_reason `content_filter`
anything else                         one of a few friendly replies that quote the prompt
====================================  ======================================================================

With `tools` in the request: a tool whose name has a word in common with the prompt (`get_weather` and "weather") is
called, with arguments made up from its schema; `call every tool` calls all. After a message of role `tool` the
result is told.

`at 500/s` anywhere in the prompt sets the pace of this one answer in tokens a second (`at 0/s`: as fast as can be).
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any
from zlib import crc32

from relai_tui.sandbox import answers

LONGEST = 200_000
"""Tokens; the most that `long N` gives."""

MOST_LINES = 10_000
"""The most that `table N` and `fence N` give."""

_TOKEN = re.compile(r"\s?\w{1,6}|\s?[^\w\s]{1,3}|\s+")
_PACE = re.compile(r"\bat (\d{1,6}(?:\.\d+)?)\s?/\s?s\b", re.IGNORECASE)
_TOKENS_AROUND_A_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A function that the model asks for; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says, cut into tokens."""

    content: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    reasoning_field: str = "reasoning_content"
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    tokens_per_second: float | None = None
    """The pace asked for in the prompt; None leaves it to the server."""


def tokens(text: str) -> tuple[str, ...]:
    """The text cut into what stands for tokens here; joined again they are the text."""
    return tuple(_TOKEN.findall(text))


def plain(content: Any) -> str:
    """The text of a message's `content`, which may be a string, null, or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """How many tokens the prompt counts."""
    return sum(len(_TOKEN.findall(plain(m.get("content")))) + _TOKENS_AROUND_A_MESSAGE for m in messages)


def answer(messages: list[dict[str, Any]], tools: list[dict[str, Any]], *, model: str) -> Answer:
    """What the scripted model named `model` answers."""
    prompt = next((plain(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    pace = _PACE.search(prompt)
    said = _reply(_PACE.sub("", prompt).strip(), messages, tools, model)
    if pace is None:
        return said
    return replace(said, tokens_per_second=float(pace[1]))


def _reply(prompt: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]], model: str) -> Answer:
    if messages[-1].get("role") == "tool":
        result = plain(messages[-1].get("content"))
        return Answer(tokens(f"The tool answered:\n\n```json\n{result}\n```\n\nA scripted model adds nothing to that."))
    calls = _calls(prompt.lower(), tools)
    if calls:
        return Answer(tool_calls=calls, finish_reason="tool_calls")
    for pattern, make in _TRIGGERS:
        found = pattern.search(prompt)
        if found:
            return make(found, model)
    return Answer(tokens(_default(prompt, messages)))


def _default(prompt: str, messages: list[dict[str, Any]]) -> str:
    words = " ".join(prompt.split())
    quote = words if len(words) <= 120 else words[:119].rstrip() + "…"
    chosen = answers.DEFAULTS[crc32(prompt.encode("utf-8", "replace")) % len(answers.DEFAULTS)]
    return chosen.format(quote=quote.replace("`", "'"), tokens=prompt_tokens(messages))


def _calls(prompt: str, tools: list[dict[str, Any]]) -> tuple[ToolCall, ...]:
    functions = [tool["function"] for tool in tools]
    if "call every tool" not in prompt:
        words = set(re.findall(r"\w+", prompt))
        functions = [f for f in functions if words & set(re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", f["name"].lower()))][
            :1
        ]
    return tuple(
        ToolCall(f"call_{crc32(f'{prompt}{number}'.encode()):08x}", f["name"], json.dumps(_arguments(f, prompt)))
        for number, f in enumerate(functions)
    )


def _arguments(function: dict[str, Any], prompt: str) -> dict[str, Any]:
    schema = function.get("parameters")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return {}
    place = re.search(r"\b(?:in|for|at|of) ([\w-]+(?: [A-Z][\w-]+)*)", prompt)
    text = place[1].title() if place else "Berlin"
    examples: dict[str, Any] = {"integer": 3, "number": 1.5, "boolean": True, "array": [], "object": {}}
    made = {}
    for name, rule in properties.items():
        kind = rule.get("type") if isinstance(rule, dict) else None
        choices = rule.get("enum") if isinstance(rule, dict) else None
        made[name] = choices[0] if isinstance(choices, list) and choices else examples.get(str(kind), text)
    return made


def _long(found: re.Match[str], _model: str) -> Answer:
    count = min(int(found[1].replace(",", "").replace("_", "")), LONGEST)
    return Answer(_prose_tokens(count))


@lru_cache(maxsize=8)
def _prose_tokens(count: int) -> tuple[str, ...]:
    return tuple(islice((token for part in _prose() for token in tokens(part)), count))


def _prose() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if number % 12 == 1:
            yield f"## Part {number // 12 + 1}\n\n"
        if number % 9 == 5:
            yield "".join(f"- point {number}.{point} of this scripted list\n" for point in range(1, 5)) + "\n"
        if number % 15 == 8:
            yield f"```python\nfor line in range({number}):\n    print(line)\n```\n\n"
        yield f"**{number}.** {answers.PARAGRAPHS[number % len(answers.PARAGRAPHS)]}\n\n"


def _table(wanted: int) -> Answer:
    rows = min(wanted, MOST_LINES)
    lines = ["| no. | model | requests | cost |", "|----:|-------|---------:|-----:|"]
    models = ("claude-sonnet-4.6", "gpt-5.2", "gemini-3-flash", "deepseek-v3.2")
    lines += [f"| {n} | {models[n % 4]} | {n * 37 % 911} | ${n * 173 % 997 / 100:.2f} |" for n in range(1, rows + 1)]
    return Answer(tokens("A scripted table:\n\n" + "\n".join(lines) + "\n\nThat was the table."))


def _fence(wanted: int) -> Answer:
    lines = min(wanted, MOST_LINES)
    body = "\n".join(f"value_{n:05} = compute({n}, scale={n % 7})  # line {n}" for n in range(1, lines + 1))
    return Answer(tokens(f"A scripted listing:\n\n```python\n{body}\n```\n\nThat was all of it."))


def _filtered(_found: re.Match[str], _model: str) -> Answer:
    return Answer(tokens("This answer stops in the"), finish_reason="content_filter")


def _reasoned(field: str) -> Callable[[re.Match[str], str], Answer]:
    return lambda _found, _model: Answer(tokens(answers.REASONED), tokens(answers.REASONING), field)


def _says(text: str) -> Callable[[re.Match[str], str], Answer]:
    return lambda _found, model: Answer(tokens(text.replace("{model}", model)))


def _code(found: re.Match[str], _model: str) -> Answer:
    return Answer(tokens(answers.CODE.get(found[0].lower(), answers.CODE["python"])))


_TRIGGERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Answer]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), make)
    for pattern, make in (
        (r"^(?:repeat|echo): ?(.*)", lambda found, _model: Answer(tokens(found[1]))),
        (r"\b(?:who|what) are you\b", _says(answers.INTRODUCTION)),
        (r"^(?:hello|hi|hey)\b", _says(answers.WELCOME)),
        (r"\blong ([\d,_]{1,9})\b", _long),
        (r"\btable (\d{1,5})\b", lambda found, _model: _table(int(found[1]))),
        (r"\bfence (\d{1,5})\b", lambda found, _model: _fence(int(found[1]))),
        (r"\bbig table\b", lambda _found, _model: _table(400)),
        (r"\bbig (?:code )?fence\b", lambda _found, _model: _fence(2000)),
        (r"\bhostile\b", _says(answers.HOSTILE)),
        (r"\bunicode\b", _says(answers.UNICODE)),
        (r"\bmarkdown\b", _says(answers.MARKDOWN)),
        (r"\breasoning field\b", _reasoned("reasoning")),
        (r"\b(?:reason|think)\w*\b", _reasoned("reasoning_content")),
        (r"\bsay nothing\b", _says("")),
        (r"\bfiltered\b", _filtered),
        (r"\btable\b", lambda _found, _model: _table(6)),
        (r"\b(?:rust|sql|typescript|bash|python|code)\b", _code),
    )
)
