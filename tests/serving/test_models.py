import asyncio
import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pytest

from carousel.errors import UserError
from carousel.serving.deployment import Deployed, Deployment, Failure
from carousel.serving.models import Models


class Predictor:
    """Predicts the content of its file, unless that says that it is broken."""

    example: ClassVar[list[Any]] = [""]
    architecture = "gru"

    def __init__(self, file: Path) -> None:
        self.content = file.read_text()

    def predict(self, inputs):
        if self.content == "broken":
            raise UserError("is broken")
        return [self.content for _ in inputs]


def deployed(folder: Path, number: int, content: str, *aliases: str) -> Deployed:
    file = folder / f"{number}.onnx"
    file.write_text(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return Deployed(number, aliases, f"f{number}", file, digest, "fp32", step=False)


def test_deployments_survive_saving(tmp_path: Path) -> None:
    one, other = deployed(tmp_path, 1, "a", "champion"), deployed(tmp_path, 2, "b")
    for deployment in (
        Deployment("n", (one,), 1),
        Deployment("n", (one, other), 1, 2, 0.05, other, (Failure(3, "why"),), "no answer"),
    ):
        deployment.save(tmp_path / "deployment.json")
        assert Deployment.load(tmp_path / "deployment.json") == deployment


def test_a_version_that_cannot_be_loaded_never_takes_the_place_of_one_that_can(tmp_path: Path) -> None:
    file = tmp_path / "deployment.json"
    first, second, broken = (
        deployed(tmp_path, number, content) for number, content in ((1, "a"), (2, "b"), (3, "broken"))
    )
    damaged = deployed(tmp_path, 4, "d")
    damaged.file.write_text("other")

    async def test() -> None:
        models = Models(file, Predictor)  # type: ignore[arg-type]
        assert await models.first(0.1) is None
        steps = (
            ((first,), 1, 1),
            ((broken,), 3, 1),
            ((second, broken), 2, 2),
            ((damaged,), 4, 2),
            ((first, second), 1, 1),
        )
        for versions, wanted, answers in steps:
            Deployment("n", versions, wanted, canary=3 if wanted == 2 else None, canary_fraction=0.5).save(file)
            await models.look()
            assert models.served is not None
            assert models.served.champion.number == answers
            assert models.served.champion.predict(["x"]) == [{1: "a", 2: "b"}[answers]]
            assert models.served.deployment.canary is None
            assert set(models.served.failures) == {one.number for one in versions} & {3, 4}

    asyncio.run(test())


def test_a_first_version_that_cannot_be_loaded_leaves_nothing_served(tmp_path: Path) -> None:
    async def test() -> None:
        models = Models(tmp_path / "deployment.json", Predictor)  # type: ignore[arg-type]
        Deployment("n", (deployed(tmp_path, 3, "broken"),), 3).save(tmp_path / "deployment.json")
        await models.look()
        assert models.served is None

    asyncio.run(test())


@pytest.mark.parametrize("identifier", ["a", "b", "c", "d", "e", "f"])
def test_routes_and_names(tmp_path: Path, identifier: str) -> None:
    async def test() -> None:
        models = Models(tmp_path / "deployment.json", Predictor)  # type: ignore[arg-type]
        versions = (deployed(tmp_path, 1, "a", "champion"), deployed(tmp_path, 2, "b", "challenger"))
        for fraction, number in ((0.0, 1), (1.0, 2)):
            Deployment("n", versions, 1, 2, fraction).save(tmp_path / "deployment.json")
            await models.look()
            assert models.served is not None
            assert models.served.route(identifier)[0].number == number
        for which, number in (("1", 1), ("champion", 1), ("challenger", 2), ("2", 2)):
            found = models.served.named(which)
            assert found is not None
            assert found.number == number
        assert models.served.named("3") is None

    asyncio.run(test())
