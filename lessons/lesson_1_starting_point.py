import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="1. Why the starting point matters")

with app.setup:
    from lessons.experiments import number_formats
    from lessons.experiments import starting_point as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.plain import norms as plain
    from theory.precision import formats
    from theory.spectra import matrix_products
    from theory.training import symmetry

    text = Prose("starting_point")


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
    gain = kit.slider(text, "gain", 0.5, 2, 1.1, step=0.01)
    depth = kit.slider(text, "depth", 1, 200, 100)
    width = kit.slider(text, "width", 16, 512, 256, step=16)
    activation = kit.choice(text, "activation", ["linear", "relu"], "linear")
    seed = kit.seed()
    kit.controls(kit.words(text, "sizes try"), gain, depth, width, activation, seed)
    return activation, depth, gain, seed, width


@app.cell(hide_code=True)
def _(activation, depth, gain, seed, width):
    sizes = lesson.sizes(gain.value, depth.value, width.value, activation.value, seed.value)
    show.panel(
        sizes, lesson.draw_sizes, text, "sizes",
        depth=depth.value, gain=gain.value, width=width.value,
        expected=sizes["expected"][-1], measured=sizes["measured"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(sizes_guess):
    kit.wait(sizes_guess, silent=True)
    kit.below(kit.words(text, "sizes after"), show.derivation(plain.layer(), plain.depth()))
    return


@app.cell(hide_code=True)
def _():
    apart_guess = kit.ask_choice(text, "apart question", ["never", "slowly", "rate"])
    apart_guess
    return (apart_guess,)


@app.cell(hide_code=True)
def _(apart_guess):
    kit.choice_reply(text, "apart", apart_guess, right="never")
    return


@app.cell(hide_code=True)
def _(apart_guess):
    kit.wait(apart_guess)
    noise = kit.slider(text, "noise", 0, 0.1, 0, step=0.01)
    steps = kit.slider(text, "steps", 10, 300, 100, step=10)
    apart_seed = kit.seed()
    kit.controls(kit.words(text, "apart try"), noise, steps, apart_seed)
    return apart_seed, noise, steps


@app.cell(hide_code=True)
def _(apart_seed, noise, steps):
    apart = lesson.apart(noise.value, steps.value, apart_seed.value)
    show.panel(
        apart, lesson.draw_apart, text, "apart",
        steps=steps.value, units=apart["units"][-1], features=apart["features"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(apart_guess):
    kit.wait(apart_guess, silent=True)
    refute = kit.refute()
    kit.below(show.derivation(symmetry.gap()), kit.box(text, "box"), refute)
    return (refute,)


@app.cell(hide_code=True)
def _(refute):
    kit.refuted(refute, "training.constant_units_stay_alike", "asymmetric data cure it")
    return


@app.cell(hide_code=True)
def _():
    products_guess = kit.ask(text, "products question")
    products_guess
    return (products_guess,)


@app.cell(hide_code=True)
def _(products_guess):
    kit.guess_reply(text, "products", products_guess, lesson.guessed_ratio(), close=10)
    return


@app.cell(hide_code=True)
def _(products_guess):
    kit.wait(products_guess)
    size = kit.slider(text, "size", 1, 64, 4)
    matrices = kit.slider(text, "matrices", 1, 100, 100)
    products_seed = kit.seed()
    kit.controls(kit.words(text, "products try"), size, matrices, products_seed)
    return matrices, products_seed, size


@app.cell(hide_code=True)
def _(matrices, products_seed, size):
    products = lesson.products(size.value, matrices.value, products_seed.value)
    show.panel(products, lesson.draw_products, text, "products", width=size.value, **show.last(products))
    return


@app.cell(hide_code=True)
def _(products_guess):
    kit.wait(products_guess)
    kit.controls(
        show.derivation(matrix_products.exponent(), matrix_products.mean_square()), kit.words(text, "products after")
    )
    return


@app.cell(hide_code=True)
def _():
    formats_guess = kit.ask(text, "formats question")
    formats_guess
    return (formats_guess,)


@app.cell(hide_code=True)
def _(formats_guess):
    kit.guess_reply(text, "formats", formats_guess, number_formats.guessed_layer(), close=1.05)
    return


@app.cell(hide_code=True)
def _(formats_guess):
    kit.wait(formats_guess)
    kind = kit.choice(text, "stored", ["signal", "square", "logarithm"], "signal")
    each = kit.slider(text, "each layer", 0.3, 2, 2, step=0.05)
    formats_seed = kit.seed()
    kit.controls(kit.words(text, "formats try"), kind, each, formats_seed)
    return each, formats_seed, kind


@app.cell(hide_code=True)
def _(each, formats_seed, kind):
    held = number_formats.stored(kind.value, each.value, formats_seed.value)
    show.panel(
        held, number_formats.draw_stored, text, "formats",
        gain=each.value, stored=text.label(f"{kind.value} short"),
        **number_formats.places(held, kind.value, each.value),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(formats_guess):
    kit.wait(formats_guess, silent=True)
    test_formats = kit.refute()
    kit.below(
        kit.words(text, "formats after"),
        show.derivation(formats.largest(), formats.overflow(), formats.vanishing(), formats.depth()),
        kit.box(text, "box formats"),
        test_formats,
    )
    return (test_formats,)


@app.cell(hide_code=True)
def _(test_formats):
    kit.refuted(test_formats, "precision.powers_leave_the_formats", "sixteen bits are sixteen bits")
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
