import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="12. Your own network")

with app.setup:
    from lessons.experiments import audit_along, audit_power
    from lessons.experiments import own_network as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.fluctuations import norms as fluctuations
    from theory.layer import one_layer

    text = Prose("own_network")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    layers_guess = kit.ask(text, "layers question")
    layers_guess
    return (layers_guess,)


@app.cell(hide_code=True)
def _(layers_guess):
    kit.guess_reply(text, "layers", layers_guess, lesson.guessed_layers(), close=1.03)
    return


@app.cell(hide_code=True)
def _(layers_guess):
    kit.wait(layers_guess)
    fault = kit.choice(text, "fault", lesson.FAULTS, "lecun")
    depth = kit.slider(text, "depth", 6, 12, lesson.DEPTH)
    width = kit.slider(text, "width", 16, 48, lesson.WIDTH, step=8)
    seeds = kit.slider(text, "seeds", 10, 50, lesson.SEEDS, step=5)
    layers_seed = kit.seed()
    kit.controls(kit.words(text, "layers try"), fault, depth, width, seeds, layers_seed)
    return depth, fault, layers_seed, seeds, width


@app.cell(hide_code=True)
def _(depth, fault, layers_seed, seeds, width):
    place = lesson.middle(depth.value)
    report = lesson.audited(depth.value, width.value, seeds.value, fault.value, place, seed=layers_seed.value)
    layers = lesson.ratios(report)
    show.panel(
        layers, lesson.draw_ratios, text, "layers",
        fault=text.label(fault.value), depth=depth.value, place=place, seeds=seeds.value,
        whole=layers["whole"][-1], given=layers["given"][place - 1], told=lesson.told(report, text),
        why=lesson.why(report, text),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(layers_guess):
    kit.wait(layers_guess, silent=True)
    second = kit.refute()
    kit.below(
        kit.words(text, "layers after"), show.derivation(one_layer.linear_layer()), kit.box(text, "second box"), second
    )
    return (second,)


@app.cell(hide_code=True)
def _(second):
    kit.refuted(second, "layer.linear_second_moment", "variance of the input for its second moment")
    return


@app.cell(hide_code=True)
def _():
    patients_guess = kit.ask_choice(text, "patients question", ["lecun", "swapped", "copied"])
    patients_guess
    return (patients_guess,)


@app.cell(hide_code=True)
def _(patients_guess):
    kit.choice_reply(text, "patients", patients_guess, right="swapped")
    return


@app.cell(hide_code=True)
def _(patients_guess):
    kit.wait(patients_guess)
    patient = kit.choice(text, "patient", list(lesson.PATIENTS), "A")
    shown = kit.choice(text, "shown", ["points", "verdict"], "points")
    kit.controls(kit.words(text, "patients try"), patient, shown)
    return patient, shown


@app.cell(hide_code=True)
def _(patient, shown):
    examined = lesson.audited(lesson.PATIENTS_DEPTH, lesson.WIDTH, lesson.SEEDS, *lesson.PATIENTS[patient.value])
    found = lesson.ratios(examined)
    (
        show.panel(
            lesson.without_bands(found), lesson.draw_ratios, text, "patients",
            patient=text.label(patient.value), whole=found["whole"][-1],
            least=found["given"].min(), most=found["given"].max(),
        )
        if shown.value == "points"
        else show.panel(
            found, lesson.draw_ratios, text, "told",
            patient=text.label(patient.value), told=lesson.told(examined, text), why=lesson.why(examined, text),
            fault=text.label(lesson.PATIENTS[patient.value][0]),
        )
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(patients_guess):
    kit.wait(patients_guess, silent=True)
    ends = kit.refute()
    kit.below(kit.box(text, "ends box"), ends)
    return (ends,)


@app.cell(hide_code=True)
def _(ends):
    kit.refuted(ends, "plain.entries_telescope", "exponential in depth")
    return


@app.cell(hide_code=True)
def _():
    power_guess = kit.ask(text, "power question")
    power_guess
    return (power_guess,)


@app.cell(hide_code=True)
def _(power_guess):
    kit.guess_reply(text, "power", power_guess, audit_power.guessed_power(), close=1.5)
    return


@app.cell(hide_code=True)
def _(power_guess):
    kit.wait(power_guess)
    rate = kit.choice(text, "rate", list(audit_power.RATES), "usual")
    units = kit.slider(text, "units", 8, 256, audit_power.GUESSED_UNITS, step=8)
    draws = kit.slider(text, "seeds", 5, 200, lesson.SEEDS, step=5)
    power_seed = kit.seed()
    kit.controls(kit.words(text, "power try"), rate, units, draws, power_seed)
    return draws, power_seed, rate, units


@app.cell(hide_code=True)
def _(draws, power_seed, rate, units):
    powers = audit_power.power(units.value, draws.value, audit_power.RATES[rate.value], power_seed.value)
    show.panel(
        powers, audit_power.draw_power, text, "power",
        units=units.value, seeds=draws.value, rate=text.label(rate.value),
        sees=audit_power.stated(units.value, draws.value, audit_power.RATES[rate.value], text),
        tenth=100 * audit_power.chance(
            units.value, draws.value, audit_power.RATES[rate.value], audit_power.GUESSED_FACTOR
        ),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    kinds_guess = kit.ask_choice(text, "kinds question", ["everything", "single", "none"])
    kinds_guess
    return (kinds_guess,)


@app.cell(hide_code=True)
def _(kinds_guess):
    kit.choice_reply(text, "kinds", kinds_guess, right="single")
    return


@app.cell(hide_code=True)
def _(kinds_guess):
    kit.wait(kinds_guess)
    function = kit.choice(text, "function", ["tanh", "ReLU"], "tanh")
    sick = kit.choice(text, "fault", ["halved", "sound"], "halved")
    deep = kit.slider(text, "depth", 6, 12, lesson.DEPTH)
    wide = kit.slider(text, "width", 16, 48, lesson.WIDTH, step=8)
    kinds_seed = kit.seed()
    kit.controls(kit.words(text, "kinds try"), function, sick, deep, wide, kinds_seed)
    return deep, function, kinds_seed, sick, wide


@app.cell(hide_code=True)
def _(deep, function, kinds_seed, sick, wide):
    net = lesson.audited(
        deep.value, wide.value, lesson.SEEDS, sick.value, lesson.middle(deep.value), function.value, kinds_seed.value
    )
    squares = audit_along.along(net)
    kind, verdict = audit_along.whole(net)
    show.panel(
        squares, audit_along.draw_along, text, "kinds",
        function=text.label(function.value), fault=text.label(sick.value), depth=deep.value,
        predicted=squares["predicted"][-1], measured=squares["measured"][-1],
        kind=text.label(f"kind {kind}"), verdict=text.label(f"verdict {verdict}"), told=lesson.told(net, text),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(kinds_guess):
    kit.wait(kinds_guess, silent=True)
    deeper = kit.refute()
    kit.below(
        kit.words(text, "kinds after"),
        show.derivation(fluctuations.ratio_moment(2)),
        kit.box(text, "deeper box"),
        deeper,
    )
    return (deeper,)


@app.cell(hide_code=True)
def _(deeper):
    kit.refuted(deeper, "fluctuations.relative_variance_of_the_norm", "independent of depth")
    return


@app.cell(hide_code=True)
def _(kinds_guess):
    kit.wait(kinds_guess, silent=True)
    pressed = kit.press(text, "torch")
    kit.below(kit.words(text, "limits"), pressed)
    return (pressed,)


@app.cell(hide_code=True)
def _(pressed):
    kit.until_pressed(pressed)
    kit.words(
        text, "torch found", **audit_along.in_numbers(audit_along.in_pytorch())
    ) if audit_along.installed() else kit.words(text, "torch missing")
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
