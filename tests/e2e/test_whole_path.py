"""The whole path: SDK, gRPC, Redis, worker, and back."""

import dataclasses
import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import preimage
from preimage import Client, Request
from preimage.embedded import Stack
from tests.e2e.stacks import tiny_stack
from tests.worker import jobs
from tests.worker.process import metric


def request(seed: int, **fields: object) -> Request:
    base = Request(source=jobs.picture(seed), model="tiny", layer="features.3", seed=seed, steps=40)
    return dataclasses.replace(base, **fields)  # type: ignore[arg-type]


def test_a_picture_and_its_code_alone_give_the_same_pre_image(client: Client) -> None:
    picture = jobs.picture(1)
    code = client.extract_features(picture, "tiny", "features.3")
    settings = {"model": "tiny", "layer": "features.3", "seed": 11, "steps": 60}
    from_picture = client.invert(picture, **settings)  # type: ignore[arg-type]
    from_code = client.invert(np.array(code.array), **settings)  # type: ignore[arg-type]
    assert np.array_equal(from_picture.pixels, from_code.pixels)
    assert np.array_equal(from_picture.float_picture, from_code.float_picture)
    assert from_picture.errors == from_code.errors
    assert from_picture.fidelity is not None
    assert from_code.fidelity is None


def test_the_same_holds_for_hog_whose_picture_is_no_multiple_of_the_cell(client: Client) -> None:
    picture = jobs.picture(2, height=45, width=52)
    code = client.extract_features(picture, "hog", "hog")
    assert code.input_size == (45, 52)
    from_picture = client.invert(picture, model="hog", layer="hog", seed=3, steps=30)
    from_code = client.invert(code, model="hog", layer="hog", seed=3, steps=30)
    assert from_picture.pixels.shape == (45, 52)
    assert np.array_equal(from_picture.pixels, from_code.pixels)


def test_a_client_can_compute_the_code_by_itself(client: Client) -> None:
    hog = client.model("hog")
    levels = hog.preprocess(jobs.picture(3, height=40, width=40))
    assert levels.shape == (1, 40, 40)
    assert -128 <= levels.min() < levels.max() <= 127


def test_forty_mixed_jobs_all_end_once_and_share_batches(stack: Stack, client: Client) -> None:
    layers = ["features.0", "features.2", "features.3", "features.4"]
    requests = [
        request(
            seed,
            layer=layers[seed % 4],
            preset=["mv2016", "mv2015"][seed // 4 % 2],
            rate_factor=1.0 if seed // 4 % 2 == 0 else 1e-3,
            steps=20 + 3 * seed,
            data_weight=[None, 100.0, 20.0][seed % 3],
            lane=["interactive", "batch"][seed % 2],
        )
        for seed in range(40)
    ]
    shared = [0.0]
    done = threading.Event()

    def watch() -> None:
        address = stack.announcements["worker-0"]["metrics"]
        while not done.wait(0.05):
            shared[0] = max(shared[0], metric(address, "preimage_batch_slots_active"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    settled = list(client.submit_many(requests, in_flight=40))
    done.set()
    watcher.join()
    assert sorted(each.index for each in settled) == list(range(40))
    assert [each.error for each in settled if each.error] == []
    assert shared[0] >= 2
    states = [job.state for job in client.jobs(limit=200)]
    assert states.count("SUCCEEDED") >= 40
    batches = [each.result.provenance.largest_batch for each in settled if each.result]
    assert max(batches) >= 3


def test_a_job_alone_and_beside_fifteen_others_agree(client: Client) -> None:
    alone = client.invert(jobs.picture(7), model="tiny", layer="features.3", seed=7, cache="bypass")
    crowd = [request(100 + i, steps=60 + 20 * i) for i in range(15)]
    settled = list(client.submit_many([request(7, steps=None), *crowd], in_flight=16))
    crowded = next(each.result for each in settled if each.index == 0)
    assert crowded is not None
    assert crowded.provenance.largest_batch > 8
    assert crowded.errors.relative == pytest.approx(alone.errors.relative, rel=0.01)
    difference = crowded.pixels.astype(float) - alone.pixels
    assert 10 * np.log10(255**2 / np.mean(difference**2).clip(1e-9)) >= 35


def test_progress_and_previews_arrive_while_the_job_runs(client: Client) -> None:
    steps: list[int] = []
    result = client.invert(
        jobs.picture(4),
        model="tiny",
        layer="features.3",
        steps=600,
        on_progress=lambda progress: steps.append(progress.step),
    )
    assert result.steps == 600
    assert steps == sorted(steps)
    assert len(steps) > 2


def test_a_missing_model_is_refused_with_the_sentence_that_helps(client: Client) -> None:
    with pytest.raises(preimage.PreimageError, match=r"absent\.safetensors.*PREIMAGE_WEIGHTS_DIR"):
        client.invert(jobs.picture(), model="absent", layer="features.0")


def test_restarts_are_separate_pre_images_of_one_job(client: Client) -> None:
    result = client.invert(jobs.picture(5), model="tiny", layer="features.4", restarts=3, steps=30)
    assert len(result.reconstructions) == 3
    assert not np.array_equal(result.reconstructions[0].pixels, result.reconstructions[1].pixels)


def test_a_mask_restricts_what_must_match(client: Client) -> None:
    settings = {"model": "tiny", "layer": "features.0", "seed": 2, "steps": 150}
    mask = preimage.Mask(boxes=[(0, 0, 6, 13)])
    masked = client.invert(jobs.picture(6), mask=mask, **settings)  # type: ignore[arg-type]
    original = np.asarray(Image.open(io.BytesIO(jobs.picture(6))), float)
    upper = np.abs(masked.pixels[2:12] - original[2:12]).mean()
    lower = np.abs(masked.pixels[-10:-2] - original[-10:-2]).mean()
    assert upper < lower


def test_a_killed_worker_and_a_killed_redis_cost_a_job_nothing(tmp_path: Path) -> None:
    with tiny_stack(tmp_path, workers=2) as stack, Client(stack.target) as client:
        job = client.submit(jobs.picture(8), model="tiny", layer="features.3", steps=3000)
        until_step(job, 50)
        holder = next(
            name
            for name, said in stack.announcements.items()
            if name.startswith("worker")
            and metric(said["metrics"], "preimage_batch_slots_active") == 1
        )
        stack.kill(holder)
        stack.kill("redis")
        time.sleep(0.5)
        stack.restart("redis")
        result = job.result()
        assert result.steps == 3000
        assert job.refresh().attempt == 2


def until_step(job: preimage.Job, step: int) -> None:
    for event in job.watch():
        if isinstance(event, preimage.Progress) and event.step >= step:
            return
    raise AssertionError("the job ended early")
