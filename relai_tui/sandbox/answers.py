"""The texts that the scripted models say."""

INTRODUCTION = """\
I am **{model}** in name only: a scripted stand-in inside the **relai-tui sandbox**, a development double of Relai \
that runs on this machine. No language model is behind me, and nothing you type leaves the computer.

Try asking me for `markdown`, a `table`, some `code`, `unicode`, to `think` first, or a `long 2000` answer."""

WELCOME = """\
Hello! You are talking to the **relai-tui sandbox**: the models here are scripted, so the answers are canned, but the \
streaming, the prices and the balance work as they do on Relai.

Ask for some `code`, a `table`, `markdown`, or tell me to `think` first."""

DEFAULTS = (
    """\
You wrote: “{quote}”

A real model would answer that; I am a scripted one in the sandbox, so take this as a sample of how an answer \
**looks** and what it costs. Ask for `markdown`, `code` or a `table` for something longer.""",
    """\
Thanks, I got your message: “{quote}”

Three things happened just now:

1. your prompt was counted as {tokens} tokens,
2. this scripted answer streams back at the sandbox's pace,
3. the credits go down by its price, as you can see in the top bar.""",
    """\
“{quote}” is a good question for a real model.

As a scripted one I can only show the shape of a reply: a paragraph, some *emphasis*, a bit of `inline code`, and a \
[link](https://example.com/sandbox) that goes nowhere in particular.""",
    """\
Noted: “{quote}”

> The sandbox answers every prompt, but it understands none of them.

If you want to see it work harder, ask it to `think`, or for a `long 5000` answer.""",
)

MARKDOWN = """\
# Planning a small release

Everything below is scripted. It shows each kind of Markdown once, *twice* where **nesting** matters, ~~never~~ no more.

## Before the release

1. Freeze the branch
   - tell the team
   - check the open pull requests
     - those with a `release` label go in
     - the rest wait
2. Run the checks
3. Write the changelog

- [x] tests are green
- [x] version is raised
- [ ] announcement is drafted

### Who does what

| task | who | hours | done |
|:-----|:---:|------:|------|
| changelog | Ada | 1.5 | yes |
| migration guide | Grace | 4 | *almost* |
| announcement | Linus | 0.5 | no |

> **Note:** a release on a Friday is a meeting on a Saturday.
>
> > And a quote may hold a quote.

---

## Some code in each language

```python
from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    version: str
    notes: tuple[str, ...] = ()

    def headline(self) -> str:
        return f"v{self.version}: {len(self.notes)} changes"
```

```rust
fn main() {
    let versions = vec!["0.1.0", "0.2.0"];
    for (index, version) in versions.iter().enumerate() {
        println!("{index}: {version}");
    }
}
```

```typescript
type Release = { version: string; notes?: string[] };

export const headline = ({ version, notes = [] }: Release): string =>
  `v${version}: ${notes.length} changes`;
```

```sql
SELECT model, sum(cost_micro) AS spent
FROM usage
WHERE timestamp >= date('now', '-30 days')
GROUP BY model
ORDER BY spent DESC;
```

```bash
git tag --annotate "v$(cat VERSION)" --message "Release" && git push --follow-tags
```

See the [style guide](https://example.com/style "a title"), <https://example.com/autolink>, or mail <team@example.com>.

That is all there is to it.
"""

UNICODE = """\
## One paragraph per script

- 中文：你好，世界。这是一个脚本化的回答，没有真正的模型。
- 日本語：こんにちは、世界。カタカナとひらがなと漢字。ﾊﾝｶｸ
- 한국어: 안녕하세요, 세계. 이것은 미리 준비된 답변입니다.
- العربية: مرحبا بالعالم، هذا رد مكتوب مسبقا (123) داخل صندوق.
- עברית: שלום עולם, זו תשובה כתובה מראש (456) בתוך ארגז חול.
- हिन्दी: नमस्ते दुनिया, क्षत्रिय। ไทย: สวัสดีชาวโลก น้ำ
- Emoji: 😀 🚀 👩‍💻 👨‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 👍🏽 ❤️ 1️⃣ ✅
- Combining: é (one) é (two), Z̵̢a̷l̴g̶o̷, ñ, ầ
- Width: ｆｕｌｌｗｉｄｔｈ, ½, “quotes”, em—dash, a\u00a0no-break space, a zero\u200bwidth one, a soft\u00adhyphen

| 言語 | 挨拶 | emoji |
|------|------|:-----:|
| 日本語 | こんにちは | 🇯🇵 |
| العربية | مرحبا | 🌙 |
| English | hello | 👋🏿 |
"""

HOSTILE = (
    "This answer attacks the terminal, on purpose. Nothing below may have any effect.\n\n"
    "1. Colour and cursor: \x1b[31mred\x1b[0m \x1b[2J\x1b[H\x1b[10;10Hmoved\x1b[?25l hidden\n"
    "2. Clipboard: \x1b]52;c;cm0gLXJmIC8=\x07 and \x1b]52;c;cm0gLXJmIC8=\x1b\\\n"
    "3. Title: \x1b]0;owned\x07 link: \x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\ unclosed: \x1b]8;;file:///etc\n"
    "4. C1: \x9b31m \x9d0;owned\x9c \x90q\x9c, device query: \x1b[6n \x1bP+q\x1b\\\n"
    "5. C0: \x00 \x07 \x08\x08\x08 \x0b \x0c \x0e \x0f \x7f and a carriage return\rOVERWRITTEN\n"
    "6. Bidi: \u202eevil\u202c \u2066isolate\u2069 \u200f\u061c, entity &#x202e;txt&#x202c;, \U000e0041\U000e0042\n"
    "7. Markup: [@click=app.quit]x[/] [@click=app.bell]bell[/] [/] [/foo] "
    "[red on blue]paint[/] [$x] [link=https://evil.example]l[/link]\n"
    "8. Links: [run](javascript:alert(1)) [file](file:///etc/passwd) [relative](--help) [app](vscode://x) "
    "[esc](https://evil.example/\x1b]52;c;eA==\x07)\n"
    "9. HTML: <script>alert(1)</script> <img src=x onerror=alert(1)> <!-- hidden -->\n"
    "10. Entities: &#27;[31m &#x9b;31m &#0; &lt;b&gt;\n\n"
    "```[@click=app.quit]\n\x1b[2Jfence\x1b]0;title\x07 [bold]markup[/bold] [/]\n```\n\n"
    "| [@click=app.quit]h[/] | \x1b[7m |\n|---|---|\n| [/] | \x9b2J |\n\n"
    "Lonely surrogates cannot travel in UTF-8; ask the faults for `\\ud800` in JSON.\n"
)

REASONING = """\
The user wants an answer that was thought about. Let me look at it from two sides.
First, what is asked: a short and clear reply. Second, what could go wrong: too many words.
A scripted model does not think, so these lines stand for the reasoning of one that does.
I will give the answer in two sentences."""

REASONED = """\
After some (scripted) reasoning: **it depends**, but less than one fears. Start with the smallest thing that could \
work, measure it, and only then decide."""

CODE = {
    "rust": """\
A word counter in Rust, scripted but sound:

```rust
use std::collections::HashMap;

fn count(text: &str) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_insert(0) += 1;
    }
    counts
}
```

`entry` looks the word up once, whether it is there or not.""",
    "sql": """\
The ten most expensive days, in SQL:

```sql
SELECT date(timestamp) AS day, sum(cost_micro) / 1e6 AS dollars
FROM usage
GROUP BY day
ORDER BY dollars DESC
LIMIT 10;
```""",
    "typescript": """\
Reading a stream line by line in TypeScript:

```typescript
export async function* lines(stream: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const piece of stream) {
    const parts = (rest + piece).split("\\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  if (rest) yield rest;
}
```""",
    "bash": """\
The five largest files below the current folder:

```bash
find . -type f -printf '%s\\t%p\\n' | sort -rn | head -5 | numfmt --field=1 --to=iec
```""",
    "python": """\
A small cache with a limit, in Python:

```python
from collections import OrderedDict


class Cache[K, V]:
    def __init__(self, limit: int) -> None:
        self._items: OrderedDict[K, V] = OrderedDict()
        self._limit = limit

    def get(self, key: K) -> V | None:
        if key in self._items:
            self._items.move_to_end(key)
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        while len(self._items) > self._limit:
            self._items.popitem(last=False)
```

The oldest entry leaves first; reading one makes it young again.""",
}

PARAGRAPHS = (
    "A long answer is mostly patience. The sandbox writes this one to show how a terminal copes when text keeps on, "
    "line after line, for as long as you asked.",
    "Scrolling up should detach the view from the tail, and the text should grow on below without pulling you along.",
    "There is *some* emphasis and a bit of `inline code` here and there, because real answers have it, and plain "
    "prose is too easy to lay out.",
    "Every paragraph is one of a handful, so that the cost of drawing them can be compared; the numbers between tell "
    "you where you are.",
    "When the answer is stopped, what came so far was paid for, and it should still be there tomorrow.",
)
