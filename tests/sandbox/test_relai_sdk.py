"""The official `@llmrelai/sdk`, unchanged from its registry, with a key of edition 2 against the sandbox."""

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from relai_tui.sandbox.account import Account
from relai_tui.sandbox.server import Sandbox

PACKAGE = "@llmrelai/sdk@0.1.0"
NODE, NPM = shutil.which("node"), shutil.which("npm")

pytestmark = [
    pytest.mark.skipif(NODE is None or NPM is None, reason="node and npm are not installed"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="session")
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDK in its node_modules, kept between runs where pytest keeps its cache."""
    cache = getattr(request.config, "cache", None)  # None with -p no:cacheprovider
    folder = tmp_path_factory.mktemp("relai-sdk") if cache is None else cache.mkdir("relai-sdk-0.1.0")
    if not (folder / "node_modules" / "@llmrelai" / "sdk" / "package.json").exists():
        (folder / "package.json").write_text('{"private": true}')
        command = [str(NPM), "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0", PACKAGE]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm could not install {PACKAGE} in time")
        if done.returncode:
            pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-300:]}")
    return folder


async def drive(folder: Path, sandbox: Sandbox) -> dict[str, Any]:
    """Run the script beside this file; what it saw."""
    script = shutil.copy(Path(__file__).with_name("relai_sdk.mjs"), folder)
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        script,
        sandbox.origin,
        sandbox.keys[2],
        sandbox.control_token,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


async def test_the_relai_sdk_works_unchanged(installed: Path) -> None:
    account = Account()
    async with Sandbox(tokens_per_second=0, account=account) as sandbox:
        sandbox.faults.warning_form = "chunk"
        seen = await drive(installed, sandbox)
        asked = list(sandbox.requests)

    assert {"claude-opus-4.7", "claude-sonnet-4.6"} <= set(seen["models"])
    assert seen["balance"] == {"credits_micro": 4_500_000, "credits_dollars": 4.5, "auto_recharge": False}
    assert seen["recharging"]["auto_recharge"] is True
    assert set(seen["created"]) == {"id", "name", "key", "prefix", "region", "scope", "created_at"}
    assert seen["parsed"]["prefix"] == seen["created"]["prefix"]
    assert (seen["parsed"]["region"], seen["parsed"]["scope"], seen["parsed"]["isLive"]) == ("eu", "global", True)
    assert [(key["name"], key["rpm_limit"]) for key in seen["keys"]][-1] == ("from the SDK", 1)
    assert seen["limited"] == {"class": "RateLimitError", "code": "rate_limit_exceeded", "status": 429}
    assert seen["deleted"] == "nothing"
    assert seen["revoked"] == {"class": "AuthenticationError", "code": "invalid_api_key", "status": 401}

    assert seen["answer"]["model"] == "qwen3-235b-a22b-thinking-2507"
    assert "sandbox" in seen["answer"]["content"]
    assert "日本語" in seen["streamed"]
    assert [warning["period"] for warning in seen["warnings"]] == ["daily"]
    assert [warning["period"] for warning in seen["streamWarnings"]] == ["daily"]
    expected = {"class": "EndUserQuotaExceededError", "code": "end_user_quota_exceeded", "status": 429}
    assert seen["quota"] == expected | {"period": "daily"}
    assert seen["spent"]["external_id"] == "a/b ü"
    assert seen["spent"]["daily_spend_dollars"] >= 0.0002
    assert (seen["users"]["total"], seen["users"]["limit"], seen["users"]["offset"]) == (1, 1, 0)
    assert seen["changed"]["daily_quota_dollars"] is None

    assert seen["usage"]["total_requests"] == 5
    assert len(seen["usage"]["events"]) == 2
    assert [entry["reason"] for entry in seen["ledger"]["entries"]] == ["usage", "usage"]
    assert seen["ledger"]["total"] == len(account.ledger)
    assert seen["settled"] == seen["settings"] | {"default_alert_threshold": 0.5}
    assert [error["class"] for error in seen["errors"]] == [
        "ModelNotFoundError",
        "ModelNotAvailableInRegionError",
        "BadRequestError",
        "ServerRegionMismatchError",
        *["InsufficientBalanceError"] * 2,
        *["HomeRegionUnreachableError"] * 2,
        *["UpstreamError"] * 2,
        *["InternalError"] * 2,
    ]
    chats = {one.path for one in asked if one.path.endswith("/chat/completions")}
    assert chats == {"/chat/completions"}, "the SDK leaves /v1 out here, and only here"
    assert {one.headers["x-relai-region"] for one in asked} == {"eu", "us"}
