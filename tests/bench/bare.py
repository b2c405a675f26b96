"""The least Textual chat client there can be: what the toolkit itself costs. Everything is measured against it."""

import json
import os

import httpx
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Input, Markdown

SERVER = os.environ["BENCH_SERVER"]


class Bare(App[None]):
    """A prompt, a scroll view, and a Markdown widget for each answer, fed as Textual's manual says."""

    CSS = "VerticalScroll { height: 1fr; } Markdown { height: auto; }"

    def compose(self) -> ComposeResult:
        """The two parts."""
        yield VerticalScroll()
        yield Input(placeholder="Ask")

    def on_mount(self) -> None:
        """Write at once."""
        self.query_one(Input).focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask."""
        prompt = event.value
        event.input.clear()
        scroll = self.query_one(VerticalScroll)
        answer = Markdown()
        await scroll.mount(Markdown(prompt), answer)
        scroll.anchor()
        self.run_worker(self.answer(prompt, answer))

    async def answer(self, prompt: str, widget: Markdown) -> None:
        """Show what comes."""
        stream = Markdown.get_stream(widget)
        body = {"model": "mock-model", "stream": True, "messages": [{"role": "user", "content": prompt}]}
        async with (
            httpx.AsyncClient(timeout=None) as client,
            client.stream("POST", f"{SERVER}/chat/completions", json=body) as response,
        ):
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    for choice in json.loads(line[6:])["choices"]:
                        if text := choice["delta"].get("content"):
                            await stream.write(text)
        await stream.stop()


if __name__ == "__main__":
    Bare().run()
