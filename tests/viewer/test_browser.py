"""The page in a real browser: what is drawn, and what its controls do to the simulation."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from legged_gym.viewer.server import address
from tests.viewer.browser import PATIENCE_S, Page, kill, open_browser, wait_until
from tests.viewer.servers import free_server

pytestmark = pytest.mark.slow
SLOW = 0.25
"""Speed at which time goes on: a browser that draws in software on a busy machine must get its turn."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    browser = open_browser()
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def viewer(runs: Path, options: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A viewer that plays the newest checkpoint; time stands still between tests."""
    from legged_gym.scripts import _viewing, play
    from legged_gym.utils.cli import parse_command

    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(runs / "logs", folder / "logs")
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        arguments = [*options, "--env.viser.enable=True", "--viser.port=0"]
        command = parse_command(arguments, play.PlayArgs, play._saved_config)
        viewer = _viewing.make_viewer(command, free_server())
        thread = threading.Thread(target=viewer.run, daemon=True)
        thread.start()
        yield viewer
        viewer.stop()
        thread.join(30.0)


@pytest.fixture(scope="module")
def opened(browser: Any, viewer: Any) -> Page:
    return Page(browser, address(viewer.server))


@pytest.fixture
def page(opened: Page, viewer: Any) -> Iterator[Page]:
    """The page, with a robot at the clip's start; whatever a test leaves running is stopped."""
    opened.tab("Play")
    viewer.clock.target = SLOW
    yield opened
    carried_out(viewer, lambda: (viewer.clock.stop(), viewer.session.choose(0), viewer.scene.jump()))
    assert opened.errors() == []


def carried_out(viewer: Any, wish: Callable[[], Any]) -> None:
    """Have something done in the player's thread; returns when it is done and sent to the pages."""
    for act in (wish, lambda: None):  # what was done is sent before the next wish is heard
        done = threading.Event()
        viewer.page.post(lambda act=act, done=done: (act(), done.set()))
        assert done.wait(PATIENCE_S)


def share_that_differs(a: np.ndarray, b: np.ndarray) -> float:
    """Part of the picture whose colour differs so that people see it."""
    return float((np.abs(a - b).max(axis=-1) > 12).mean())


def test_robot_ghost_and_ground_are_drawn(page: Page, viewer: Any) -> None:
    carried_out(viewer, lambda: [viewer.session.step() for _ in range(12)])  # the ghost has raised its arm
    page.tab("Show")
    everything = page.settled_picture()
    page.keep("scene")
    for label, least in (("Robot", 0.01), ("Ghost of the reference", 0.0005), ("Ground", 0.1)):
        page.checkbox(label)
        wait_until(lambda least=least: share_that_differs(everything, page.picture()) > least, f"no {label}")
        without = page.settled_picture()
        changed = share_that_differs(everything, without)
        assert changed > least, f"{label}: {changed:.2%} of the picture"
        if label.startswith("Ghost"):
            gone = np.abs(everything - without).max(axis=-1) > 12
            more_blue = (everything[..., 2] - everything[..., 0])[gone].mean() - (
                without[..., 2] - without[..., 0]
            )[gone].mean()
            assert more_blue > 10
        page.checkbox(label)
    wait_until(lambda: share_that_differs(everything, page.picture()) < 0.002, "all of it again")


def test_play_and_pause_move_time_and_the_picture(page: Page, viewer: Any) -> None:
    before = page.settled_picture()
    page.button("Play")
    wait_until(lambda: viewer.session.clips.frame(0) > 10, "time")
    page.button("Pause")
    wait_until(lambda: not viewer.clock.running, "the pause")
    assert share_that_differs(before, page.settled_picture()) > 0.002


def test_a_step_is_one_frame_and_speeds_are_taken_over(page: Page, viewer: Any) -> None:
    frame = viewer.session.clips.frame(0)
    page.button("Step")
    wait_until(lambda: viewer.session.clips.frame(0) == frame + 1, "the step")
    page.button("0.5x")
    wait_until(lambda: viewer.clock.target == 0.5, "the speed")
    wait_until(lambda: "target 0.5x" in page.text(), "its display")
    page.button("1x")
    wait_until(lambda: viewer.clock.target == 1.0, "the speed")


def test_a_clip_is_chosen_and_scrubbed(page: Page, viewer: Any) -> None:
    page.choose("Clip", "short")
    wait_until(lambda: viewer.session.stage.chosen == 1, "the clip")
    page.set("Frame", "30")
    wait_until(lambda: viewer.session.clips.frame(0) == 30, "the frame")
    env = viewer.session.env
    first = int(env.data.clip_start[1])
    torch.testing.assert_close(env.sim.dof_pos, env.data.dof_pos[first + 30 : first + 31])


def test_the_clip_is_shown_without_physics(page: Page, viewer: Any) -> None:
    page.checkbox("Without physics")
    wait_until(lambda: viewer.session.kinematic, "the clip alone")
    page.checkbox("Without physics")
    wait_until(lambda: not viewer.session.kinematic, "physics")


def test_a_push_moves_the_robot(page: Page, viewer: Any) -> None:
    page.tab("Physics")
    page.set("Strength, m/s", "1")
    page.button("Push")
    page.tab("Play")
    page.button("Step")
    wait_until(lambda: float(viewer.session.env.sim.root_lin_vel_w[0, 1]) > 0.5, "a velocity to the left")


def test_sliders_act_on_the_running_simulation(page: Page, viewer: Any) -> None:
    sim = viewer.session.env.sim
    nominal = sim.parameter("stiffness")
    page.tab("Physics")
    page.set("Position gains x", "0.5")
    wait_until(lambda: torch.allclose(sim.parameter("stiffness"), 0.5 * nominal), "half the gains")
    page.checkbox("Noise of training")
    wait_until(lambda: not viewer.session.env.noise.muted, "noise")
    page.button("All as trained")
    wait_until(lambda: torch.allclose(sim.parameter("stiffness"), nominal), "the gains")
    wait_until(lambda: viewer.session.env.noise.muted, "silence")


def test_a_checkpoint_is_swapped_while_time_goes_on(page: Page, viewer: Any) -> None:
    page.button("Play")
    page.tab("Policy")
    page.choose("Checkpoint", "1")
    wait_until(lambda: viewer.session.player.checkpoint.name == "model_1.pt", "the other checkpoint")
    assert viewer.clock.running
    page.choose("Checkpoint", "2")
    wait_until(lambda: viewer.session.player.checkpoint.name == "model_2.pt", "the first one")


def test_charts_numbers_and_episodes_are_shown(page: Page, viewer: Any) -> None:
    page.choose("Clip", "short")
    page.button("Play")
    page.tab("Numbers")
    wait_until(lambda: viewer.session.episodes.episodes, "the end of an episode")
    for wanted in ("link error", "largest torque", "rewards, weighted", "lasted"):
        wait_until(lambda wanted=wanted: wanted in page.text(), wanted)
    page.checkbox("torques")
    wait_until(lambda: "torque, share of limit" in page.text(), "another chart")
    carried_out(viewer, viewer.clock.stop)
    page.picture()
    page.keep("numbers")


def test_more_robots_are_built_and_one_is_looked_at(page: Page, viewer: Any) -> None:
    page.set("Robots", "3")
    wait_until(lambda: viewer.session.env.num_envs == 3, "three robots")
    looked_at = "//label[.='Looked at']/ancestor::*[.//*[@role='slider']][1]//*[@role='slider']"
    wait_until(lambda: page.element(looked_at).get_attribute("aria-valuemax") == "2", "its range")
    page.set("Looked at", "2")
    wait_until(lambda: viewer.session.selected == 2, "the third")
    page.settled_picture()
    page.keep("three_robots")
    page.set("Robots", "1")
    wait_until(lambda: viewer.session.env.num_envs == 1, "one robot")


def test_a_bundle_is_exported(page: Page, viewer: Any) -> None:
    page.tab("Out")
    page.button("Export")
    wait_until(lambda: Path("policy/bundle.yaml").is_file(), "the bundle", 120.0)
    wait_until(lambda: not viewer.out._jobs.running, "the end of the job")


def test_keys_play_and_step(page: Page, viewer: Any) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    frame = viewer.session.clips.frame(0)
    ActionChains(page.browser).send_keys("n").perform()
    wait_until(lambda: viewer.session.clips.frame(0) == frame + 1, "the step")


def test_a_page_that_is_reloaded_shows_the_same(
    page: Page, viewer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    carried_out(viewer, lambda: viewer.session.scrub(20))
    before, came = page.settled_picture(), set(viewer.server.get_clients())
    with caplog.at_level(logging.INFO, "legged_gym"):
        page.reload()
        wait_until(
            lambda: viewer.server.get_clients() and not came & set(viewer.server.get_clients()), "the page"
        )
    assert share_that_differs(before, page.settled_picture()) < 0.02
    assert "the player goes on" in caplog.text


def test_two_pages_show_the_same_and_one_may_close(
    page: Page, viewer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    browser, first = page.browser, page.browser.current_window_handle
    browser.switch_to.new_window("tab")
    with caplog.at_level(logging.INFO, "legged_gym"):
        second = Page(browser, address(viewer.server))
        wait_until(lambda: len(viewer.server.get_clients()) == 2, "the second page")
        second.button("Play")
        wait_until(lambda: viewer.clock.running, "time")
        browser.close()
        browser.switch_to.window(first)
        wait_until(lambda: len(viewer.server.get_clients()) == 1, "its end")
    frame = viewer.session.clips.frame(0)
    wait_until(lambda: viewer.session.clips.frame(0) != frame, "time that goes on")
    assert "the player goes on" in caplog.text
    wait_until(
        lambda: page.element("//button[.//span[normalize-space()='Pause']]"), "the first page's display"
    )


def test_a_deleted_checkpoint_is_said_on_the_page(page: Page, viewer: Any) -> None:
    player = viewer.session.player
    kept = player.checkpoint.read_bytes()
    assert "plays on from memory" not in page.text()
    player.checkpoint.unlink()
    try:
        wait_until(lambda: "plays on from memory" in page.text(), "the notice")
        frame = viewer.session.clips.frame(0)
        page.button("Step")
        wait_until(lambda: viewer.session.clips.frame(0) == frame + 1, "the step")
    finally:
        player.checkpoint.write_bytes(kept)


def test_a_browser_that_is_killed_leaves_the_player_playing(
    viewer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    own, others = open_browser(), set(viewer.server.get_clients())
    viewer.clock.target = SLOW
    with caplog.at_level(logging.INFO, "legged_gym"):
        Page(own, address(viewer.server)).button("Play")
        wait_until(lambda: viewer.clock.running, "time")
        (dead,) = set(viewer.server.get_clients()) - others
        kill(own)
        wait_until(lambda: dead not in viewer.server.get_clients(), "the end of the page")
    frame = viewer.session.clips.frame(0)
    wait_until(lambda: viewer.session.clips.frame(0) != frame, "time that goes on")
    carried_out(viewer, viewer.clock.stop)
    assert f"page {dead} was closed" in caplog.text


def test_a_policy_that_nobody_can_drive_says_why(page: Page) -> None:
    page.tab("Command")
    wait_until(lambda: "Nobody can drive this policy" in page.text(), "the reason")


def test_a_student_is_driven_from_the_page(browser: Any, make_viewer: Callable[..., Any]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    viewer = make_viewer("--task=g1_deepmimic_dagger", "--policy=zero")
    stage, env = viewer.session.stage, viewer.session.env
    viewer.clock.target = SLOW
    thread = threading.Thread(target=viewer.run, daemon=True)
    thread.start()
    try:
        page = Page(browser, address(viewer.server))
        page.tab("Command")
        page.choose("Led by", "my command")
        wait_until(lambda: stage.lead == "hand", "driving")
        page.set("Forwards, m/s", "0.3")
        wait_until(lambda: env.joystick.commands.value[0, 0] == pytest.approx(0.3), "the command")
        ActionChains(browser).move_to_element(page.element("//canvas")).click().send_keys("u").perform()
        wait_until(lambda: stage.command == pytest.approx((0.3, 0.0, 0.1)), "the key")
        page.picture()
        page.keep("command")
        page.button("Stop walking")
        wait_until(lambda: stage.command == (0.0, 0.0, 0.0), "standing")
        held = page.element("//button[.//span[normalize-space()='Walk backwards']]")
        carried_out(viewer, viewer.clock.start)
        browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", held)
        ActionChains(browser).click_and_hold(held).perform()
        wait_until(lambda: stage.command[0] < -0.05, "walking backwards")
        ActionChains(browser).release(held).perform()
        wait_until(lambda: stage.command == (0.0, 0.0, 0.0), "standing again")
        page.choose("Led by", "the clip")
        wait_until(lambda: stage.lead == "clip" and env.joystick is None, "the clip")
        assert page.errors() == []
    finally:
        viewer.stop()
        thread.join(30.0)


def test_a_clip_on_its_terrain_is_viewed_without_a_policy(browser: Any) -> None:
    from legged_gym.scripts import _viewing
    from legged_gym.scripts.view_motion import ViewArgs

    viewer = _viewing.make_motion_viewer(ViewArgs(("g1/terrain/stairs.npz",)), free_server())
    thread = threading.Thread(target=viewer.run, daemon=True)
    thread.start()
    try:
        page = Page(browser, address(viewer.server))
        before = page.settled_picture()
        page.tab("Show")
        page.checkbox("Ground")
        assert share_that_differs(before, page.settled_picture()) > 0.1
        page.checkbox("Ground")
        page.tab("Play")
        page.set("Frame", "100")
        wait_until(lambda: viewer.session.clips.frame(0) == 100, "the frame")
        page.settled_picture()
        page.keep("motion")
        assert page.errors() == []
    finally:
        viewer.stop()
        thread.join(30.0)
