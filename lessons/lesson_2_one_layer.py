import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="2. One layer: variance, fan-in, independence")

with app.setup:
    from lessons.experiments import one_layer as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.layer import one_layer, pre_activations

    text = Prose("one_layer")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    sum_guess = kit.ask(text, "sum question")
    sum_guess
    return (sum_guess,)


@app.cell(hide_code=True)
def _(sum_guess):
    kit.guess_reply(text, "sum", sum_guess, lesson.guessed_sum(), close=1.3)
    return


@app.cell(hide_code=True)
def _(sum_guess):
    kit.wait(sum_guess)
    fan_in = kit.slider(text, "fan-in", 1, 1000, 100)
    deviation = kit.slider(text, "deviation", 0, 2, 1, step=0.05)
    rule = kit.choice(text, "rule", ["fixed", "fan-in rule", "torch"], "fixed")
    seed = kit.seed()
    kit.controls(kit.words(text, "sum try"), fan_in, deviation, rule, seed)
    return deviation, fan_in, rule, seed


@app.cell(hide_code=True)
def _(deviation, fan_in, rule, seed):
    sums = lesson.sums(rule.value, deviation.value, fan_in.value, seed.value)
    show.panel(sums, lesson.draw_sums, text, "sum", **show.last(sums))
    return


@app.cell(hide_code=True)
def _(sum_guess):
    kit.wait(sum_guess, silent=True)
    kit.below(kit.words(text, "sum after"), show.derivation(one_layer.linear_layer()))
    return


@app.cell(hide_code=True)
def _():
    shared_guess = kit.ask_choice(text, "shared question", ["equal inputs", "shared weights", "other law"])
    shared_guess
    return (shared_guess,)


@app.cell(hide_code=True)
def _(shared_guess):
    kit.choice_reply(text, "shared", shared_guess, right="shared weights")
    return


@app.cell(hide_code=True)
def _(shared_guess):
    kit.wait(shared_guess)
    shared = kit.slider(text, "shared", 0, 1, 0.05, step=0.01)
    shared_fan_in = kit.slider(text, "fan-in", 1, 1000, 100)
    kind = kit.choice(text, "inputs", ["equal", "random signs", "rectified"], "equal")
    shared_seed = kit.seed()
    kit.controls(kit.words(text, "shared try"), shared, shared_fan_in, kind, shared_seed)
    return kind, shared, shared_fan_in, shared_seed


@app.cell(hide_code=True)
def _(kind, shared, shared_fan_in, shared_seed):
    together = lesson.sums(
        "fan-in rule", 1, shared_fan_in.value, shared_seed.value, kind=kind.value, shared=shared.value
    )
    show.panel(together, lesson.draw_sums, text, "shared", shared=shared.value, **show.last(together))
    return


@app.cell(hide_code=True)
def _():
    product_guess = kit.ask(text, "product question")
    product_guess
    return (product_guess,)


@app.cell(hide_code=True)
def _(product_guess):
    kit.guess_reply(text, "product", product_guess, lesson.guessed_product(), close=1.02)
    return


@app.cell(hide_code=True)
def _(product_guess):
    kit.wait(product_guess)
    weight_mean = kit.slider(text, "weight mean", -2, 2, 0, step=0.1)
    spread = kit.slider(text, "spread", 0, 2, 1, step=0.1)
    product_seed = kit.seed()
    kit.controls(kit.words(text, "product try"), weight_mean, spread, product_seed)
    return product_seed, spread, weight_mean


@app.cell(hide_code=True)
def _(product_seed, spread, weight_mean):
    products = lesson.products(weight_mean.value, spread.value, product_seed.value)
    at_two = show.last(products.where(mean=2))
    show.panel(
        products, lesson.draw_products, text, "product", weight_mean=weight_mean.value, spread=spread.value, **at_two
    )
    return


@app.cell(hide_code=True)
def _(product_guess):
    kit.wait(product_guess, silent=True)
    refute = kit.refute()
    kit.below(show.derivation(pre_activations.product()), kit.box(text, "box"), refute)
    return (refute,)


@app.cell(hide_code=True)
def _(refute):
    kit.refuted(refute, "layer.product_variance", "the product of the variances")
    return


@app.cell(hide_code=True)
def _():
    law_guess = kit.ask_choice(text, "law question", ["nearly", "exactly", "of the inputs"])
    law_guess
    return (law_guess,)


@app.cell(hide_code=True)
def _(law_guess):
    kit.choice_reply(text, "law", law_guess, right="exactly")
    return


@app.cell(hide_code=True)
def _(law_guess):
    kit.wait(law_guess)
    law_fan_in = kit.slider(text, "law fan-in", 1, 64, 3)
    weights = kit.choice(text, "weights", ["normal", "uniform", "signs"], "normal")
    law_seed = kit.seed()
    kit.controls(kit.words(text, "law try"), law_fan_in, law_seed, weights)
    return law_fan_in, law_seed, weights


@app.cell(hide_code=True)
def _(law_fan_in, law_seed, weights):
    law = lesson.law(law_fan_in.value, weights.value, law_seed.value)
    show.panel(
        law, lesson.draw_law, text, "law",
        fan_in=law_fan_in.value, weights=text.label(weights.value), **show.last(law),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(law_guess):
    kit.wait(law_guess, silent=True)
    show.derivation(pre_activations.fourth(), pre_activations.uniform_kurtosis_ratio())
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
