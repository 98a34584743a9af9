import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="7. Positive homogeneity")

with app.setup:
    from lessons.experiments import homogeneity as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.homogeneity import bounds, degrees, euler, maximum, softmax

    text = Prose("homogeneity")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    scaling_guess = kit.ask_choice(text, "scaling question", ["same", "double", "depends"])
    scaling_guess
    return (scaling_guess,)


@app.cell(hide_code=True)
def _(scaling_guess):
    kit.choice_reply(text, "scaling", scaling_guess, right="double")
    return


@app.cell(hide_code=True)
def _(scaling_guess):
    kit.wait(scaling_guess)
    what = kit.choice(text, "what", lesson.WHAT, "input")
    activation = kit.choice(text, "activation", ["relu", "tanh"], "relu")
    layers = kit.slider(text, "layers", 1, 6, 3)
    bias = kit.slider(text, "bias", 0, 1, 0, step=0.05)
    seed = kit.seed()
    kit.controls(kit.words(text, "scaling try"), what, activation, layers, bias, seed)
    return activation, bias, layers, seed, what


@app.cell(hide_code=True)
def _(activation, bias, layers, seed, what):
    scaling = lesson.scaling(what.value, activation.value, bias.value, layers.value, seed.value)
    degree = lesson.degree(what.value, activation.value, bias.value, layers.value)
    show.panel(
        scaling, lesson.draw_scaling, text, "scaling",
        layers=layers.value, what=text.label(what.value), measured=scaling["measured"][-1],
        degree=text.label("none") if degree is None else degree,
        expected=text.label("no law") if degree is None else scaling["expected"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(scaling_guess):
    kit.wait(scaling_guess, silent=True)
    invariant = kit.refute()
    kit.below(
        show.derivation(euler.composition(), degrees.rectifier(), degrees.biased()),
        kit.box(text, "invariant box"),
        invariant,
    )
    return (invariant,)


@app.cell(hide_code=True)
def _(invariant):
    kit.refuted(invariant, "homogeneity.layer_table", "ReLU is scale-invariant")
    return


@app.cell(hide_code=True)
def _(scaling_guess):
    kit.wait(scaling_guess, silent=True)
    logits = kit.refute()
    kit.below(kit.box(text, "logits box"), logits)
    return (logits,)


@app.cell(hide_code=True)
def _(logits):
    kit.refuted(logits, "homogeneity.layer_table", "f is the softmax layer")
    return


@app.cell(hide_code=True)
def _():
    theorem_guess = kit.ask_choice(text, "theorem question", ["late", "early", "everywhere"])
    theorem_guess
    return (theorem_guess,)


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.choice_reply(text, "theorem", theorem_guess, right="early")
    return


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.wait(theorem_guess)
    scale = kit.slider(text, "scale", 0.1, 10, 3, step=0.1)
    blocks = kit.slider(text, "blocks", 1, 30, 10)
    theorem_seed = kit.seed()
    kit.controls(kit.words(text, "theorem try"), scale, blocks, theorem_seed)
    return blocks, scale, theorem_seed


@app.cell(hide_code=True)
def _(blocks, scale, theorem_seed):
    theorem = lesson.theorem(scale.value, blocks.value, theorem_seed.value)
    says = theorem["excess"][0] > 0
    show.panel(
        theorem, lesson.draw_theorem, text, "theorem",
        blocks=blocks.value, loss=theorem["loss"][0], entropy=theorem["entropy"][0], excess=theorem["excess"][0],
        least=theorem["inner"].min(), most=theorem["inner"].max(),
        gradient=theorem["gradient"][0], last=theorem["gradient"][-1],
        first=theorem["bound"][0],
        verdict=text.label("says something" if says else "says nothing"),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(theorem_guess):
    kit.wait(theorem_guess, silent=True)
    later = kit.refute()
    kit.below(
        show.derivation(euler.euler(), softmax.identity(), bounds.input_gradient()),
        kit.box(text, "later box"),
        later,
    )
    return (later,)


@app.cell(hide_code=True)
def _(later):
    kit.refuted(later, "homogeneity.theorem_1", "large in the later blocks")
    return


@app.cell(hide_code=True)
def _():
    vacuous_guess = kit.ask(text, "vacuous question")
    vacuous_guess
    return (vacuous_guess,)


@app.cell(hide_code=True)
def _(vacuous_guess):
    kit.guess_reply(text, "vacuous", vacuous_guess, lesson.guessed_threshold())
    return


@app.cell(hide_code=True)
def _(vacuous_guess):
    kit.wait(vacuous_guess)
    deviation = kit.slider(text, "deviation", 0.05, 6, 1, step=0.05)
    classes = kit.slider(text, "classes", 2, 20, lesson.CLASSES)
    vacuous_seed = kit.seed()
    kit.controls(kit.words(text, "vacuous try"), deviation, classes, vacuous_seed)
    return classes, deviation, vacuous_seed


@app.cell(hide_code=True)
def _(classes, deviation, vacuous_seed):
    vacuous = lesson.vacuous(deviation.value, classes.value, vacuous_seed.value)
    law = vacuous["law"][-1]
    show.panel(
        vacuous, lesson.draw_vacuous, text, "vacuous",
        classes=classes.value, deviation=deviation.value, threshold=float(maximum.vacuous_below(classes.value)),
        law=law, verdict=text.label("says something" if law > 0 else "says nothing"),
        now=vacuous["now"][-1], excess=vacuous["excess"][-1], share=100 * vacuous["negative"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(vacuous_guess):
    kit.wait(vacuous_guess, silent=True)
    entropy = kit.refute()
    kit.below(
        show.derivation(bounds.minibatch(3), bounds.expected(), softmax.gaussian_logits()),
        kit.box(text, "entropy box"),
        entropy,
    )
    return (entropy,)


@app.cell(hide_code=True)
def _(entropy):
    kit.refuted(entropy, "homogeneity.entropy_is_at_most_log_c", "a lower bound")
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
