"""What is asked: a chat request as plain frozen values, and its JSON. Nothing heavy is imported here."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relai_tui.conversation import ToolCall


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation that is sent."""

    role: str
    """`system`, `user`, `assistant` or `tool`; a `conversation.Role` is one too."""
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message that asked for functions."""
    tool_call_id: str | None = None
    """Of a `tool` message: the call it answers."""

    def payload(self) -> dict[str, Any]:
        """The message as the API takes it."""
        message: dict[str, Any] = {"role": str(self.role), "content": self.content}
        if self.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            message["tool_call_id"] = self.tool_call_id
        return message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion that is asked for. None is "not sent": the server's default holds."""

    model: str
    """An id or an alias."""
    messages: tuple[Message, ...]
    temperature: float | None = None
    """0 to 2."""
    max_tokens: int | None = None
    system: str | None = None
    """Sent as the first message; empty for none."""
    user: str | None = None
    """Edition 2: an end user's id, for quotas."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Function definitions as the API takes them."""

    def body(self, *, stream: bool, ask_usage: bool = False) -> bytes:
        """The JSON body. `ask_usage` asks a stream to end with its count of tokens."""
        messages = [message.payload() for message in self.messages]
        if self.system:
            messages.insert(0, {"role": "system", "content": self.system})
        payload: dict[str, Any] = {"model": self.model, "messages": messages}
        optional = {"temperature": self.temperature, "max_tokens": self.max_tokens, "user": self.user}
        payload |= {name: value for name, value in optional.items() if value is not None}
        if self.tools:
            payload["tools"] = [dict(tool) for tool in self.tools]
        if stream:
            payload["stream"] = True
        if stream and ask_usage:
            payload["stream_options"] = {"include_usage": True}
        return json.dumps(payload, separators=(",", ":")).encode("ascii")
