import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="3. Glorot: two conditions, one number")

with app.setup:
    from lessons.experiments import glorot as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.plain import compromise, glorot

    text = Prose("glorot")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    backward_guess = kit.ask(text, "conditions question")
    backward_guess
    return (backward_guess,)


@app.cell(hide_code=True)
def _(backward_guess):
    kit.guess_reply(text, "conditions", backward_guess, lesson.guessed_backward(), close=1.05)
    return


@app.cell(hide_code=True)
def _(backward_guess):
    kit.wait(backward_guess)
    fan_in = kit.slider(text, "fan-in size", 10, 500, 100, step=10)
    fan_out = kit.slider(text, "fan-out size", 10, 500, 300, step=10)
    seed = kit.seed()
    kit.controls(kit.words(text, "conditions try"), fan_in, fan_out, seed)
    return fan_in, fan_out, seed


@app.cell(hide_code=True)
def _(fan_in, fan_out, seed):
    conditions = lesson.conditions(fan_in.value, fan_out.value, seed.value)
    ahead, both, back = (
        {f"{name}_{rule.replace('-', '_')}": value for name, value in show.last(conditions.where(rule=rule)).items()}
        for rule in ("fan-in", "glorot", "fan-out")
    )
    show.panel(
        conditions, lesson.draw_conditions, text, "conditions",
        fan_in=fan_in.value, fan_out=fan_out.value, **ahead, **both, **back,
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(backward_guess):
    kit.wait(backward_guess, silent=True)
    refute_never = kit.refute()
    kit.below(
        show.derivation(glorot.forward(), glorot.backward(), glorot.both()), kit.box(text, "never box"), refute_never
    )
    return (refute_never,)


@app.cell(hide_code=True)
def _(refute_never):
    kit.refuted(refute_never, "plain.glorot_conditions", "never both at once")
    return


@app.cell(hide_code=True)
def _():
    mean_guess = kit.ask_choice(text, "mean question", ["of the fans", "geometric of both", "of the variances"])
    mean_guess
    return (mean_guess,)


@app.cell(hide_code=True)
def _(mean_guess):
    kit.choice_reply(text, "mean", mean_guess, right="of the variances")
    return


@app.cell(hide_code=True)
def _(mean_guess):
    kit.wait(mean_guess)
    mean_rule = kit.choice(text, "rule", ["glorot", "geometric", "mean of fans"], "glorot")
    largest = kit.slider(text, "largest", 2, 32, 16)
    mean_seed = kit.seed()
    kit.controls(kit.words(text, "mean try"), largest, mean_seed, mean_rule)
    return largest, mean_rule, mean_seed


@app.cell(hide_code=True)
def _(largest, mean_rule, mean_seed):
    ratios = lesson.ratios(mean_rule.value, largest.value, mean_seed.value)
    show.panel(ratios, lesson.draw_ratios, text, "mean", rule=text.label(mean_rule.value), **show.last(ratios))
    return


@app.cell(hide_code=True)
def _(mean_guess):
    kit.wait(mean_guess, silent=True)
    refute_fans = kit.refute()
    kit.below(
        show.derivation(glorot.compromise(), compromise.gain_sum(), compromise.gain_product()),
        kit.box(text, "fans box"),
        refute_fans,
    )
    return (refute_fans,)


@app.cell(hide_code=True)
def _(refute_fans):
    kit.refuted(refute_fans, "plain.glorot_is_a_harmonic_mean_of_variances", "the harmonic mean of the fans")
    return


@app.cell(hide_code=True)
def _():
    depth_guess = kit.ask(text, "depth question")
    depth_guess
    return (depth_guess,)


@app.cell(hide_code=True)
def _(depth_guess):
    kit.guess_reply(text, "depth", depth_guess, lesson.guessed_depth(), close=1.3)
    return


@app.cell(hide_code=True)
def _(depth_guess):
    kit.wait(depth_guess)
    width = kit.slider(text, "width", 30, 500, 100, step=10)
    other = kit.slider(text, "other", 30, 500, 300, step=10)
    depth = kit.slider(text, "layers", 1, 40, 20)
    depth_seed = kit.seed()
    depth_rule = kit.choice(text, "rule", list(lesson.VARIANCES), "glorot")
    kit.controls(kit.words(text, "depth try"), width, other, depth, depth_seed, depth_rule)
    return depth, depth_rule, depth_seed, other, width


@app.cell(hide_code=True)
def _(depth, depth_rule, depth_seed, other, width):
    alternating = lesson.alternating(width.value, other.value, depth.value, depth_rule.value, depth_seed.value)
    show.panel(
        alternating, lesson.draw_alternating, text, "depth",
        depth=depth.value, first=width.value, second=other.value, rule=text.label(depth_rule.value),
        ahead=alternating["forward"][-1], ahead_expected=alternating["forward expected"][-1],
        back=alternating["backward"][0], back_expected=alternating["backward expected"][0],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(depth_guess):
    kit.wait(depth_guess, silent=True)
    refute_regained = kit.refute()
    kit.below(
        kit.words(text, "depth after"),
        show.derivation(compromise.cycle()),
        kit.box(text, "regained box"),
        refute_regained,
    )
    return (refute_regained,)


@app.cell(hide_code=True)
def _(refute_regained):
    kit.refuted(
        refute_regained, "plain.compromise_decays_at_alternating_widths", "what one layer loses the next regains"
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
