import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="8. Fixup: one step of SGD")

with app.setup:
    from lessons.experiments import fixup as lesson
    from lessons.experiments import fixup_training as nets
    from lessons.experiments import kept_in_training
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.fixup import one_step, scalar_branch
    from theory.fixup import scale as fixup_scale
    from theory.training import balance

    text = Prose("fixup")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    zeros_guess = kit.ask(text, "zeros question")
    zeros_guess
    return (zeros_guess,)


@app.cell(hide_code=True)
def _(zeros_guess):
    kit.guess_reply(text, "zeros", zeros_guess, 1 + lesson.change(1000, 1), close=1.5)
    return


@app.cell(hide_code=True)
def _(zeros_guess):
    kit.wait(zeros_guess)
    branches = kit.slider(text, "branches", 1, 1000, 1000)
    percent = kit.slider(text, "percent", 0.01, 5, 1, step=0.01)
    kit.controls(kit.words(text, "zeros try"), branches, percent)
    return branches, percent


@app.cell(hide_code=True)
def _(branches, percent):
    zeros = lesson.zeros(branches.value, percent.value)
    show.panel(zeros, lesson.draw_zeros, text, "zeros", percent=percent.value, **show.last(zeros))
    return


@app.cell(hide_code=True)
def _(zeros_guess):
    kit.wait(zeros_guess, silent=True)
    show.derivation(one_step.zeroed_chain())
    return


@app.cell(hide_code=True)
def _():
    power_guess = kit.ask(text, "power question")
    power_guess
    return (power_guess,)


@app.cell(hide_code=True)
def _(power_guess):
    kit.guess_reply(text, "power", power_guess, lesson.scale(10_000, 3), close=1.05)
    return


@app.cell(hide_code=True)
def _(power_guess):
    kit.wait(power_guess)
    exponent = kit.slider(text, "exponent", -0.5, 1, 0, step=0.01)
    m = kit.slider(text, "m", 1, 5, 3)
    kit.controls(kit.words(text, "power try"), exponent, m)
    return exponent, m


@app.cell(hide_code=True)
def _(exponent, m):
    power = lesson.power(exponent.value, m.value)
    show.panel(
        power, lesson.draw_power, text, "power" if m.value > 1 else "power one",
        p=exponent.value, m=m.value, others=m.value - 1, wanted=lesson.wanted(m.value) or "", refusal=lesson.refusal(),
        slope=lesson.slope(exponent.value, m.value), **show.last(power),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(power_guess):
    kit.wait(power_guess, silent=True)
    show.derivation(fixup_scale.exponent(), scalar_branch.zeroed_fixup(), one_step.fixup_chain())
    return


@app.cell(hide_code=True)
def _(power_guess):
    kit.wait(power_guess, silent=True)
    rule = kit.choice(text, "rule", list(lesson.RULES), "sign")
    test_rule = kit.refute()
    kit.below(kit.box(text, "box"), rule, test_rule)
    return rule, test_rule


@app.cell(hide_code=True)
def _(rule, test_rule):
    kit.refuted(test_rule, lesson.SCALE, lesson.RULES[rule.value])
    return


@app.cell(hide_code=True)
def _():
    training_guess = kit.ask_choice(text, "training question", ["alike", "slower", "diverges"])
    training_guess
    return (training_guess,)


@app.cell(hide_code=True)
def _(training_guess):
    kit.choice_reply(text, "training", training_guess, right="diverges")
    return


@app.cell(hide_code=True)
def _(training_guess):
    kit.wait(training_guess)
    layers = kit.slider(text, "layers", 10, 100, 10, step=10)
    rate = kit.slider(text, "rate", 0.01, 0.3, 0.1, step=0.01)
    rival = kit.choice(text, "rival", ["zero_last", "he", "he_lecun"], "zero_last")
    seed = kit.seed()
    kit.controls(kit.words(text, "training try"), layers, rate, rival, seed)
    return layers, rate, rival, seed


@app.cell(hide_code=True)
def _(layers, rate, rival, seed):
    training, said = nets.training(rival.value, layers.value, rate.value, seed.value)
    show.panel(
        training, nets.draw_training, text, "training",
        layers=layers.value, rate=rate.value, rival=text.label(f"{rival.value} short"), **said,
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    deep_guess = kit.ask(text, "deep question")
    deep_guess
    return (deep_guess,)


@app.cell(hide_code=True)
def _(deep_guess):
    kit.guess_reply(text, "deep", deep_guess, nets.guessed_accuracy(), close=1.1)
    return


@app.cell(hide_code=True)
def _(deep_guess):
    kit.wait(deep_guess)
    recorded = nets.recorded()
    pressed = kit.press(text, "train")
    kit.below(
        show.panel(recorded, nets.draw_recorded, text, "recorded", **nets.ends(recorded)),
        kit.words(text, "deep try"),
        pressed,
    )
    return (pressed,)


@app.cell(hide_code=True)
def _(pressed):
    kit.until_pressed(pressed)
    with kit.progress(text, "training now", nets.STEPS) as bar:
        deep = nets.deep(pressed.value - 1, bar.update)
    kit.words(text, "deep trained", **deep)
    return


@app.cell(hide_code=True)
def _(deep_guess):
    kit.wait(deep_guess, silent=True)
    statement = kit.choice(text, "statement", list(lesson.STATEMENTS), "free")
    test_statement = kit.refute()
    kit.below(show.derivation(one_step.bias_update()), kit.box(text, "rest box"), statement, test_statement)
    return statement, test_statement


@app.cell(hide_code=True)
def _(statement, test_statement):
    kit.refuted(test_statement, *lesson.STATEMENTS[statement.value])
    return


@app.cell(hide_code=True)
def _():
    kept_guess = kit.ask_choice(text, "kept question", ["same", "still", "shared", "data decide"])
    kept_guess
    return (kept_guess,)


@app.cell(hide_code=True)
def _(kept_guess):
    kit.choice_reply(text, "kept", kept_guess, right="same")
    return


@app.cell(hide_code=True)
def _(kept_guess):
    kit.wait(kept_guess)
    net = kit.choice(text, "net", list(kept_in_training.NETS), "homogeneous")
    pace = kit.slider(text, "pace", 0.1, 1, 0.5, step=0.05)
    kept_seed = kit.seed()
    kit.controls(kit.words(text, "kept try"), net, pace, kept_seed)
    return kept_seed, net, pace


@app.cell(hide_code=True)
def _(kept_seed, net, pace):
    kept = kept_in_training.trained(net.value, pace.value, kept_seed.value)
    show.panel(
        kept, kept_in_training.draw_trained, text, "kept",
        net=text.label(net.value), rate=pace.value, steps=len(kept) - 1, **show.last(kept),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(kept_guess):
    kit.wait(kept_guess, silent=True)
    sentence = kit.choice(text, "said", list(lesson.KEPT), "kept exactly")
    test_said = kit.refute()
    kit.below(
        kit.words(text, "kept after"),
        show.derivation(
            balance.inner_product(), balance.in_a_branch(), balance.step(), balance.of_one(), balance.flow()
        ),
        kit.box(text, "kept box"),
        sentence,
        test_said,
    )
    return sentence, test_said


@app.cell(hide_code=True)
def _(sentence, test_said):
    kit.refuted(test_said, *lesson.KEPT[sentence.value])
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
