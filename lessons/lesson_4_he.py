import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="4. He and the gains")

with app.setup:
    from lessons.experiments import gain_table, sigmoid_nets, staged, tanh_in_depth
    from lessons.experiments import he as lesson
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.layer import gains, rectifiers, selu
    from theory.mean_field import tanh_maps
    from theory.plain import norms as plain
    from theory.plain import saturation, sigmoid_distances

    text = Prose("he")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    depths_guess = kit.ask(text, "depths question")
    depths_guess
    return (depths_guess,)


@app.cell(hide_code=True)
def _(depths_guess):
    kit.guess_reply(text, "depths", depths_guess, lesson.guessed_loss(), close=2)
    return


@app.cell(hide_code=True)
def _(depths_guess):
    kit.wait(depths_guess)
    init = kit.choice(text, "init", ["xavier", "he", "leaky", "torch"], "xavier")
    depth = kit.slider(text, "depth", 1, 60, 30)
    slope = kit.slider(text, "slope", -1, 1, 0, step=0.1)
    seed = kit.seed()
    kit.controls(kit.words(text, "depths try"), init, depth, slope, seed)
    return depth, init, seed, slope


@app.cell(hide_code=True)
def _(depth, init, seed, slope):
    depths = lesson.depths(init.value, slope.value, depth.value, seed.value)
    show.panel(
        depths, lesson.draw_depths, text, "depths",
        depth=depth.value, slope=slope.value, gain=lesson.INITS[init.value](slope.value),
        factor=depths["expected"][1], expected=depths["expected"][-1], measured=depths["measured"][-1],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(depths_guess):
    kit.wait(depths_guess, silent=True)
    xavier = kit.refute()
    kit.below(show.derivation(rectifiers.symmetric_half()), kit.box(text, "box xavier"), xavier)
    return (xavier,)


@app.cell(hide_code=True)
def _(xavier):
    kit.refuted(xavier, "plain.rates_of_initialisers", "Xavier on every layer")
    return


@app.cell(hide_code=True)
def _():
    slopes_guess = kit.ask_choice(text, "slopes question", ["plain", "modulus", "square"])
    slopes_guess
    return (slopes_guess,)


@app.cell(hide_code=True)
def _(slopes_guess):
    kit.choice_reply(text, "slopes", slopes_guess, right="square")
    return


@app.cell(hide_code=True)
def _(slopes_guess):
    kit.wait(slopes_guess)
    formula = kit.choice(text, "formula", ["plain", "modulus", "square"], "plain")
    leak = kit.slider(text, "leak", -1, 1, 0, step=0.1)
    slopes_seed = kit.seed()
    kit.controls(kit.words(text, "slopes try"), formula, leak, slopes_seed)
    return formula, leak, slopes_seed


@app.cell(hide_code=True)
def _(formula, leak, slopes_seed):
    slopes = lesson.slopes(formula.value, leak.value, slopes_seed.value)
    show.panel(slopes, lesson.draw_slopes, text, "slopes", **show.last(slopes.where(chosen=1)))
    return


@app.cell(hide_code=True)
def _(slopes_guess):
    kit.wait(slopes_guess, silent=True)
    variance = kit.refute()
    kit.below(
        show.derivation(
            rectifiers.symmetric_leaky(),
            plain.layer(),
            rectifiers.variance_preserving_gain(),
            rectifiers.relu_spread(),
        ),
        kit.box(text, "box variance"),
        variance,
    )
    return (variance,)


@app.cell(hide_code=True)
def _(variance):
    kit.refuted(variance, "plain.rates_of_initialisers", "He preserves the variance")
    return


@app.cell(hide_code=True)
def _():
    named_guess = kit.ask_choice(text, "named question", ["tanh", "sigmoid", "ReLU", "SELU"])
    named_guess
    return (named_guess,)


@app.cell(hide_code=True)
def _(named_guess):
    kit.choice_reply(text, "named", named_guess, right="ReLU")
    return


@app.cell(hide_code=True)
def _(named_guess):
    kit.wait(named_guess)
    which = kit.choice(text, "which", ["library", "exact"], "library")
    own = kit.slider(text, "own gain", 0.5, 2.5, 1, step=0.01)
    named_seed = kit.seed()
    kit.controls(kit.words(text, "named try"), which, own, named_seed)
    return named_seed, own, which


@app.cell(hide_code=True)
def _(named_seed, own, which):
    named = gain_table.named(which.value, own.value, named_seed.value)
    show.panel(named, gain_table.draw_named, text, "named", own=own.value, **gain_table.named_values(named))
    return


@app.cell(hide_code=True)
def _(named_guess):
    kit.wait(named_guess, silent=True)
    selu_button = kit.refute()
    kit.below(
        show.derivation(gains.gelu_second(), selu.alpha_of_mean(), selu.lambda_of_variance()),
        kit.box(text, "box selu"),
        selu_button,
    )
    return (selu_button,)


@app.cell(hide_code=True)
def _(selu_button):
    kit.refuted(selu_button, "layer.selu_fixed_point", "gain 3/4")
    return


@app.cell(hide_code=True)
def _():
    tanh_guess = kit.ask(text, "tanh question")
    tanh_guess
    return (tanh_guess,)


@app.cell(hide_code=True)
def _(tanh_guess):
    kit.guess_reply(text, "tanh", tanh_guess, tanh_in_depth.guessed_growth(), close=2)
    return


@app.cell(hide_code=True)
def _(tanh_guess):
    kit.wait(tanh_guess)
    gain = kit.slider(text, "gain", 0.5, 2.5, 1.67, step=0.01)
    start = kit.slider(text, "start", 0.05, 4, 1, step=0.05)
    tanh_depth = kit.slider(text, "depth", 1, 60, 50)
    tanh_seed = kit.seed()
    kit.controls(kit.words(text, "tanh try"), gain, start, tanh_depth, tanh_seed)
    return gain, start, tanh_depth, tanh_seed


@app.cell(hide_code=True)
def _(gain, start, tanh_depth, tanh_seed):
    tanh = tanh_in_depth.tanh(gain.value, start.value, tanh_depth.value, tanh_seed.value)
    show.panel(
        tanh, tanh_in_depth.draw_tanh, text, "tanh",
        gain=gain.value, start=start.value, depth=tanh_depth.value,
        expected=tanh["expected"][-1], measured=tanh["measured"][-1],
        growth=10 ** tanh["expected gradient"][0], grown=10 ** tanh["measured gradient"][0],
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(tanh_guess):
    kit.wait(tanh_guess, silent=True)
    tanh_button = kit.refute()
    kit.below(
        show.derivation(tanh_maps.length_map(), tanh_maps.gradient_factor()), kit.box(text, "box tanh"), tanh_button
    )
    return (tanh_button,)


@app.cell(hide_code=True)
def _(tanh_button):
    kit.refuted(tanh_button, "mean_field.tanh_gain_has_its_own_fixed_point", "tanh gain 5/3 keeps variance 1")
    return


@app.cell(hide_code=True)
def _():
    distances_guess = kit.ask(text, "distances question")
    distances_guess
    return (distances_guess,)


@app.cell(hide_code=True)
def _(distances_guess):
    kit.guess_reply(text, "distances", distances_guess, sigmoid_nets.guessed_distance(), close=2)
    return


@app.cell(hide_code=True)
def _(distances_guess):
    kit.wait(distances_guess)
    function = kit.choice(text, "function", ["sigmoid", "tanh"], "sigmoid")
    old = kit.slider(text, "old gain", 0.2, 10, 0.6, step=0.2)
    layers = kit.slider(text, "layers", 2, 12, 5)
    distances_seed = kit.seed()
    kit.controls(kit.words(text, "distances try"), function, old, layers, distances_seed)
    return distances_seed, function, layers, old


@app.cell(hide_code=True)
def _(distances_seed, function, layers, old):
    distances = sigmoid_nets.distances(old.value, layers.value, function.value, distances_seed.value)
    show.panel(
        distances, sigmoid_nets.draw_distances, text, "distances",
        function=text.label(f"name {function.value}"), gain=old.value,
        kept=sigmoid_nets.kept(old.value, function.value), **show.last(distances),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(distances_guess):
    kit.wait(distances_guess, silent=True)
    sigmoid_button = kit.refute()
    kit.below(
        show.derivation(sigmoid_distances.weights(), sigmoid_distances.slope(), sigmoid_distances.layer()),
        kit.box(text, "box sigmoid"),
        sigmoid_button,
    )
    return (sigmoid_button,)


@app.cell(hide_code=True)
def _(sigmoid_button):
    kit.refuted(sigmoid_button, "plain.sigmoid_nets_forget_their_input", "variance 1/n")
    return


@app.cell(hide_code=True)
def _(distances_guess):
    kit.wait(distances_guess, silent=True)
    pushed = kit.refute()
    kit.below(
        kit.words(text, "distances after"),
        show.derivation(saturation.pairs(2), saturation.sign()),
        kit.box(text, "box pushed"),
        pushed,
    )
    return (pushed,)


@app.cell(hide_code=True)
def _(pushed):
    kit.refuted(pushed, "plain.a_common_state_is_pushed_to_zero", "towards the middle")
    return


@app.cell(hide_code=True)
def _():
    staged_guess = kit.ask_choice(text, "staged question", ["no stage", "rescued", "as well"])
    staged_guess
    return (staged_guess,)


@app.cell(hide_code=True)
def _(staged_guess):
    kit.choice_reply(text, "staged", staged_guess, right="rescued")
    return


@app.cell(hide_code=True)
def _(staged_guess):
    kit.wait(staged_guess)
    weights = kit.choice(text, "weights", ["Xavier", "He", "half of He"], "Xavier")
    kit.controls(kit.words(text, "staged try"), weights)
    return (weights,)


@app.cell(hide_code=True)
def _(weights):
    recorded = staged.recorded(weights.value)
    show.panel(
        recorded, staged.draw_recorded, text, "staged",
        weights=text.label(f"{weights.value} short"), **staged.at(recorded, 20),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(staged_guess):
    kit.wait(staged_guess, silent=True)
    train = kit.press(text, "train")
    kit.below(kit.words(text, "train try"), train)
    return (train,)


@app.cell(hide_code=True)
def _(train):
    kit.until_pressed(train)
    with kit.progress(text, "training now", 2 * len(staged.STAGES) * staged.EPOCHS) as bar:
        found = staged.staged(train.value - 1, bar.update)
    kit.words(text, "trained", **found)
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
