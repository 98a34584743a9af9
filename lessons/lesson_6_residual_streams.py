import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="6. Residual streams")

with app.setup:
    from lessons.experiments import residual_streams as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.normalisation import branches as normalised_branches
    from theory.residual import branch_gains
    from theory.residual import norms as residual

    text = Prose("residual_streams")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    sizes_guess = kit.ask(text, "sizes question")
    sizes_guess
    return (sizes_guess,)


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.guess_reply(text, "sizes", sizes_guess, lesson.guessed_growth(), close=1.5)
    return


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.wait(sizes_guess)
    start = kit.choice(text, "start", lesson.STARTS, "lecun")
    blocks = kit.slider(text, "blocks", 1, lesson.DEEPEST, 20)
    width = kit.slider(text, "width", 32, 512, 256, step=32)
    seed = kit.seed()
    kit.controls(kit.words(text, "sizes try"), start, blocks, width, seed)
    return blocks, seed, start, width


@app.cell(hide_code=True)
def _(blocks, seed, start, width):
    sizes = lesson.sizes(start.value, blocks.value, width.value, seed.value)
    show.panel(
        sizes, lesson.draw_sizes, text, "sizes",
        blocks=blocks.value, width=width.value, start=text.label(start.value),
        expected=sizes["expected"][-1], measured=sizes["measured"][-1],
        low=sizes["low"][-1], high=sizes["high"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.wait(sizes_guess, silent=True)
    triples = kit.refute()
    kit.below(
        show.derivation(residual.branch(), residual.growth(), residual.growth_in_depth()),
        kit.box(text, "triples box"),
        triples,
    )
    return (triples,)


@app.cell(hide_code=True)
def _(triples):
    kit.refuted(triples, "residual.he_on_the_last_layer_triples", "it doubles")
    return


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.wait(sizes_guess, silent=True)
    variance = kit.refute()
    kit.below(kit.box(text, "variance box"), variance)
    return (variance,)


@app.cell(hide_code=True)
def _(variance):
    kit.refuted(variance, "residual.variance_at_fixed_input", "the variance doubles")
    return


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.wait(sizes_guess, silent=True)
    show.derivation(residual.variance_in_depth())
    return


@app.cell(hide_code=True)
def _():
    ways_guess = kit.ask_choice(text, "ways question", ["stays", "vanishes", "grows"])
    ways_guess
    return (ways_guess,)


@app.cell(hide_code=True)
def _(ways_guess):
    kit.choice_reply(text, "ways", ways_guess, right="grows")
    return


@app.cell(hide_code=True)
def _(ways_guess):
    kit.wait(ways_guess)
    scale = kit.slider(text, "scale", 0, 1.5, 1, step=0.05)
    ways_blocks = kit.slider(text, "blocks", 1, lesson.DEEPEST, 20)
    ways_width = kit.slider(text, "width", 32, 512, 256, step=32)
    ways_seed = kit.seed()
    kit.controls(kit.words(text, "ways try"), scale, ways_blocks, ways_width, ways_seed)
    return scale, ways_blocks, ways_seed, ways_width


@app.cell(hide_code=True)
def _(scale, ways_blocks, ways_seed, ways_width):
    ways = lesson.ways(scale.value, ways_blocks.value, ways_width.value, ways_seed.value)
    show.panel(
        ways, lesson.draw_ways, text, "ways",
        scale=scale.value, blocks=ways_blocks.value, expected=ways["backwards"][0],
        stream=ways["stream"][-1], gradient=ways["gradient"][0],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(ways_guess):
    kit.wait(ways_guess, silent=True)
    identity = kit.refute()
    kit.below(show.derivation(residual.backward(), branch_gains.critical()), kit.box(text, "identity box"), identity)
    return (identity,)


@app.cell(hide_code=True)
def _(identity):
    kit.refuted(identity, "residual.gradient_doubles", "the identity path keeps gradients at 1")
    return


@app.cell(hide_code=True)
def _():
    normal_guess = kit.ask(text, "normal question")
    normal_guess
    return (normal_guess,)


@app.cell(hide_code=True)
def _(normal_guess):
    kit.guess_reply(text, "normal", normal_guess, lesson.guessed_variance(), close=1.01)
    return


@app.cell(hide_code=True)
def _(normal_guess):
    kit.wait(normal_guess)
    layout = kit.choice(text, "layout", lesson.LAYOUTS, "trailing")
    normal_blocks = kit.slider(text, "blocks", 1, 100, 50)
    begin = kit.slider(text, "begin", 0.1, 10, 1, step=0.1)
    normal_seed = kit.seed()
    kit.controls(kit.words(text, "normal try"), layout, normal_blocks, begin, normal_seed)
    return begin, layout, normal_blocks, normal_seed


@app.cell(hide_code=True)
def _(begin, layout, normal_blocks, normal_seed):
    normal = lesson.normal(layout.value, normal_blocks.value, begin.value, normal_seed.value)
    show.panel(
        normal, lesson.draw_normal, text, "normal",
        layout=text.label(layout.value), blocks=normal_blocks.value, begin=begin.value,
        expected=normal["expected"][-1], measured=normal["measured"][-1], without=2.0**normal_blocks.value,
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(normal_guess):
    kit.wait(normal_guess)
    kit.below(
        show.derivation(normalised_branches.stream(), normalised_branches.rectified_batch()),
        kit.words(text, "normal after"),
    )
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
