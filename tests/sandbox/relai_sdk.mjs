// Drives the official @llmrelai/sdk against a sandbox: `node relai_sdk.mjs ORIGIN KEY`, and prints what it saw as JSON.
import Relai, * as sdk from "@llmrelai/sdk";

const [, , baseURL, apiKey, controlToken] = process.argv;
const relai = new Relai({ apiKey, baseURL, maxRetries: 0 });
const ask = (content, more = {}) =>
  relai.chat.completions.create({ model: "smart", messages: [{ role: "user", content }], ...more });
const failure = async (work) => {
  try {
    await work();
    return null;
  } catch (error) {
    return { class: error.constructor.name, code: error.code, status: error.status, period: error.period };
  }
};
const seen = {};

seen.models = (await relai.models.list()).data.map((model) => model.id);
seen.balance = await relai.balance.get();
seen.recharging = await relai.balance.update({ auto_recharge: true });
seen.created = await relai.keys.create({ name: "from the SDK", scope: "global", rpm_limit: 1 });
seen.parsed = sdk.parseKey(seen.created.key);
seen.keys = (await relai.keys.list()).keys;

const second = new Relai({ apiKey: seen.created.key, baseURL, maxRetries: 0 });
await second.balance.get();
seen.limited = await failure(() => second.chat.completions.create({ model: "smart", messages: [{ role: "user", content: "x" }] }));
seen.deleted = (await relai.keys.delete(seen.created.id)) ?? "nothing";
seen.revoked = await failure(() => second.balance.get());

const answer = await ask("hello", { model: "reasoning/cheapest" });
seen.answer = { model: answer.model, content: answer.choices[0].message.content, usage: answer.usage };
const stream = await ask("unicode", { stream: true });
seen.streamed = "";
for await (const chunk of stream) seen.streamed += chunk.choices[0]?.delta?.content || "";

seen.user = await relai.users.create({ external_id: "a/b ü", daily_quota_dollars: 0.0002, alert_threshold: 0.1 });
await ask("echo: one two three four", { user: "a/b ü" });
seen.warnings = (await ask("echo: one two", { user: "a/b ü" })).relai.warnings;
seen.streamWarnings = (await (await ask("echo: one", { user: "a/b ü", stream: true })).collect()).warnings;
await ask("echo: one two three", { user: "a/b ü" });
seen.quota = await failure(() => ask("echo: one", { user: "a/b ü" }));
seen.spent = await relai.users.get("a/b ü");
seen.users = await relai.users.list({ limit: 1, offset: 0 });
seen.changed = await relai.users.update("a/b ü", { daily_quota_dollars: null });
await relai.users.delete("a/b ü");

seen.usage = await relai.usage.list({ model: "claude-*", from: "2026-01-01T00:00:00Z", limit: 2 });
seen.ledger = await relai.billing.ledger.list({ limit: 2, offset: 0 });
seen.settings = await relai.orgs.settings.get("sandbox");
seen.settled = await relai.orgs.settings.update("sandbox", { default_alert_threshold: 0.5 });

seen.errors = [
  await failure(() => ask("x", { model: "gpt-9" })),
  await failure(() => ask("x", { model: "llama-4-maverick" })),
  await failure(() => ask("x", { temperature: 9 })),
  await failure(() => relai.balance.get({ headers: { "X-Relai-Region": "us" } })),
];
for (const [status, code] of [
  [402, "insufficient_balance"],
  [503, "home_region_unreachable"],
  [502, "upstream_error"],
  [500, "redis_error"],
]) {
  await fetch(`${baseURL}/__sandbox/faults`, { method: "POST", headers: { "X-Sandbox-Token": controlToken }, body: JSON.stringify({ preset: "error", status, code, times: 2 }) });
  seen.errors.push(await failure(() => ask("x")), await failure(() => relai.balance.get()));
}
console.log(JSON.stringify(seen));
