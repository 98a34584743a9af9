import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="5. Finite width")

with app.setup:
    from lessons.experiments import finite_width as lesson
    from lessons.experiments import norm_law
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.fluctuations import dying, log_moments, width_and_depth
    from theory.fluctuations import norms as fluctuations

    text = Prose("finite_width")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    law_guess = kit.ask(text, "law question")
    law_guess
    return (law_guess,)


@app.cell(hide_code=True)
def _(law_guess):
    kit.guess_reply(text, "law", law_guess, lesson.guessed()["law"], close=1.5)
    return


@app.cell(hide_code=True)
def _(law_guess):
    kit.wait(law_guess)
    width = kit.slider(text, "width", 8, 256, 32, step=8)
    depth = kit.slider(text, "depth", 1, 64, 32)
    seed = kit.seed()
    kit.controls(kit.words(text, "law try"), width, depth, seed)
    return depth, seed, width


@app.cell(hide_code=True)
def _(depth, seed, width):
    law, law_values = norm_law.law(width.value, depth.value, seed.value)
    show.panel(law, norm_law.draw_law, text, "law", width=width.value, depth=depth.value, **law_values)
    return


@app.cell(hide_code=True)
def _(law_guess):
    kit.wait(law_guess, silent=True)
    typical = kit.refute()
    kit.below(
        show.derivation(fluctuations.relu_logarithm(), fluctuations.relu_logarithm_wide(), log_moments.wide_variance()),
        kit.box(text, "box typical"),
        typical,
    )
    return (typical,)


@app.cell(hide_code=True)
def _(typical):
    kit.refuted(typical, "fluctuations.log_norm_is_typical", "median = mean")
    return


@app.cell(hide_code=True)
def _():
    growth_guess = kit.ask(text, "growth question")
    growth_guess
    return (growth_guess,)


@app.cell(hide_code=True)
def _(growth_guess):
    kit.guess_reply(text, "growth", growth_guess, fluctuations.relative_variance([100] * 100), close=1.5)
    return


@app.cell(hide_code=True)
def _(growth_guess):
    kit.wait(growth_guess)
    growth_width = kit.slider(text, "width", 10, 500, 100, step=10)
    growth_depth = kit.slider(text, "depth", 1, 100, 100)
    nets = kit.slider(text, "nets", 100, 10_000, 1000, step=100)
    growth_seed = kit.seed()
    kit.controls(kit.words(text, "growth try"), growth_width, growth_depth, nets, growth_seed)
    return growth_depth, growth_seed, growth_width, nets


@app.cell(hide_code=True)
def _(growth_depth, growth_seed, growth_width, nets):
    growth = lesson.growth(growth_width.value, growth_depth.value, nets.value, growth_seed.value)
    show.panel(
        growth, lesson.draw_growth, text, "growth",
        width=growth_width.value, nets=f"{nets.value:,}", **show.last(growth),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(growth_guess):
    kit.wait(growth_guess, silent=True)
    free = kit.refute()
    kit.below(
        show.derivation(fluctuations.ratio_moment(2), width_and_depth.proportional(), width_and_depth.square_root()),
        kit.box(text, "box free"),
        free,
    )
    return (free,)


@app.cell(hide_code=True)
def _(free):
    kit.refuted(free, "fluctuations.width_must_grow_with_depth", "depth is free")
    return


@app.cell(hide_code=True)
def _():
    running_guess = kit.ask(text, "running question")
    running_guess
    return (running_guess,)


@app.cell(hide_code=True)
def _(running_guess):
    kit.guess_reply(text, "running", running_guess, lesson.guessed()["running"], close=2)
    return


@app.cell(hide_code=True)
def _(running_guess):
    kit.wait(running_guess)
    running_width = kit.slider(text, "width", 8, 256, 32, step=8)
    running_depth = kit.slider(text, "depth", 1, 64, 32)
    running_seed = kit.seed()
    kit.controls(kit.words(text, "running try"), running_width, running_depth, running_seed)
    return running_depth, running_seed, running_width


@app.cell(hide_code=True)
def _(running_depth, running_seed, running_width):
    running = lesson.running(running_width.value, running_depth.value, running_seed.value)
    show.panel(
        running, lesson.draw_running, text, "running",
        width=running_width.value, depth=running_depth.value, **show.last(running),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    dead_guess = kit.ask(text, "dead question")
    dead_guess
    return (dead_guess,)


@app.cell(hide_code=True)
def _(dead_guess):
    kit.guess_reply(text, "dead", dead_guess, dying.dead_probability([5] * 50), close=1.1)
    return


@app.cell(hide_code=True)
def _(dead_guess):
    kit.wait(dead_guess)
    dead_width = kit.slider(text, "width", 1, 12, 5)
    dead_depth = kit.slider(text, "depth", 1, 100, 50)
    dead_seed = kit.seed()
    kit.controls(kit.words(text, "dead try"), dead_width, dead_depth, dead_seed)
    return dead_depth, dead_seed, dead_width


@app.cell(hide_code=True)
def _(dead_depth, dead_seed, dead_width):
    dead = lesson.dead(dead_width.value, dead_depth.value, dead_seed.value)
    show.panel(dead, lesson.draw_dead, text, "dead", width=dead_width.value, **show.last(dead))
    return


@app.cell(hide_code=True)
def _(dead_guess):
    kit.wait(dead_guess, silent=True)
    show.derivation(dying.constant_width())
    return


@app.cell(hide_code=True)
def _():
    answers = kit.answers(text, lesson.EXERCISES)
    return (answers,)


@app.cell(hide_code=True)
def _(answers):
    kit.closing(text, lesson.EXERCISES, answers)
    return


@app.function(hide_code=True)
def test_exercises_accept_their_own_answers():
    assert all(exercise.accepts_its_own_answer(text) for exercise in lesson.EXERCISES)


if __name__ == "__main__":
    app.run()
