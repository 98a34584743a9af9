import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="10. Nets in time")

with app.setup:
    from lessons.experiments import nets_in_time as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.recurrent import lstm, norms, tied_weights

    text = Prose("nets_in_time")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    tied_guess = kit.ask(text, "tied question")
    tied_guess
    return (tied_guess,)


@app.cell(hide_code=True)
def _(tied_guess):
    kit.guess_reply(text, "tied", tied_guess, lesson.guessed_growth(), close=1.1)
    return


@app.cell(hide_code=True)
def _(tied_guess):
    kit.wait(tied_guess)
    units = kit.slider(text, "units", 1, lesson.WIDEST, 2)
    tied_seed = kit.seed()
    kit.controls(kit.words(text, "tied try"), units, tied_seed)
    return tied_seed, units


@app.cell(hide_code=True)
def _(tied_seed, units):
    tied = lesson.tied(units.value, tied_seed.value)
    show.panel(
        tied, lesson.draw_tied, text, "tied",
        units=units.value, steps=lesson.STEPS, expected=tied["expected"][-1],
        measured=tied["tied"][-1], fresh=tied["fresh"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(tied_guess):
    kit.wait(tied_guess, silent=True)
    layers = kit.refute()
    kit.below(show.derivation(tied_weights.wick(2)), kit.box(text, "layers box"), layers)
    return (layers,)


@app.cell(hide_code=True)
def _(layers):
    kit.refuted(layers, "recurrent.tied_weights_are_not_independent_layers", "as in a feedforward net")
    return


@app.cell(hide_code=True)
def _():
    powers_guess = kit.ask(text, "powers question")
    powers_guess
    return (powers_guess,)


@app.cell(hide_code=True)
def _(powers_guess):
    kit.guess_reply(text, "powers", powers_guess, lesson.guessed_stretch(), close=1.25)
    return


@app.cell(hide_code=True)
def _(powers_guess):
    kit.wait(powers_guess)
    eigenvalue = kit.slider(text, "eigenvalue", 0.1, 1.2, 0.9, step=0.05)
    corner = kit.slider(text, "corner", 0, 8, 5, step=0.5)
    steps = kit.slider(text, "steps", 1, 80, 20)
    kit.controls(kit.words(text, "powers try"), eigenvalue, corner, steps)
    return corner, eigenvalue, steps


@app.cell(hide_code=True)
def _(corner, eigenvalue, steps):
    powers = lesson.powers(eigenvalue.value, corner.value, steps.value)
    show.panel(
        powers, lesson.draw_powers, text, "powers",
        eigenvalue=eigenvalue.value, corner=corner.value, steps=steps.value, measured=powers["measured"][-1],
        largest=powers["largest"][-1], radius=powers["radius"][-1], peak=powers.numbers("measured").max(),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(powers_guess):
    kit.wait(powers_guess, silent=True)
    radius = kit.refute()
    kit.below(show.derivation(norms.norm_bound(), norms.corner(), norms.gelfand()), kit.box(text, "radius box"), radius)
    return (radius,)


@app.cell(hide_code=True)
def _(radius):
    kit.refuted(radius, "recurrent.the_spectral_radius_rules_the_limit_only", "the radius bounds every power")
    return


@app.cell(hide_code=True)
def _():
    kept_guess = kit.ask(text, "kept question")
    kept_guess
    return (kept_guess,)


@app.cell(hide_code=True)
def _(kept_guess):
    kit.guess_reply(text, "kept", kept_guess, lesson.guessed_share(), close=1.5)
    return


@app.cell(hide_code=True)
def _(kept_guess):
    kit.wait(kept_guess)
    bias = kit.slider(text, "bias", -2, 8, 1, step=0.25)
    span = kit.slider(text, "span", 1, lesson.LONGEST, lesson.SPAN)
    kept_seed = kit.seed()
    kit.controls(kit.words(text, "kept try"), bias, span, kept_seed)
    return bias, kept_seed, span


@app.cell(hide_code=True)
def _(bias, kept_seed, span):
    kept = lesson.kept(bias.value, span.value, kept_seed.value)
    show.panel(
        kept, lesson.draw_kept, text, "kept",
        bias=bias.value, span=span.value, direct=kept["direct"][-1],
        measured=kept["measured"][-1], weighted=kept["weighted"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(kept_guess):
    kit.wait(kept_guess, silent=True)
    lasts = kit.refute()
    kit.below(show.derivation(lstm.direct(), lstm.biased(), lstm.chrono()), kit.box(text, "lasts box"), lasts)
    return (lasts,)


@app.cell(hide_code=True)
def _(lasts):
    kit.refuted(lasts, "recurrent.lstm_keeps_what_its_gates_keep", "LSTM gradients do not vanish")
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
