import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="9. The matrix that is never drawn")

with app.setup:
    from lessons.experiments import undrawn as lesson
    from lessons.experiments import undrawn_cost as engines
    from lessons.tools import kit, show
    from lessons.tools.prose import Prose
    from theory.independence import conditioning

    text = Prose("undrawn")


@app.cell(hide_code=True)
def _():
    kit.opening(text)
    return


@app.cell(hide_code=True)
def _():
    answers_guess = kit.ask(text, "answers question")
    answers_guess
    return (answers_guess,)


@app.cell(hide_code=True)
def _(answers_guess):
    kit.guess_reply(text, "answers", answers_guess, 10**6)
    return


@app.cell(hide_code=True)
def _(answers_guess):
    kit.wait(answers_guess)
    width = kit.slider(text, "width", 1, 64, 8)
    law = kit.choice(text, "law", list(lesson.LAWS), "gaussian")
    seed = kit.seed()
    kit.controls(kit.words(text, "answers try"), width, seed, law)
    return law, seed, width


@app.cell(hide_code=True)
def _(law, seed, width):
    answers = lesson.answers(width.value, law.value, seed.value)
    show.panel(
        answers, lesson.draw_answers, text, "answers",
        width=width.value, law=text.label(law.value), critical=lesson.critical(), chance=lesson.CHANCE,
        apart=lesson.distance(answers, "drawn", "undrawn"), normal=lesson.distance(answers, "undrawn", "expected"),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    again_guess = kit.ask_choice(text, "again question", ["fresh", "part", "whole"])
    again_guess
    return (again_guess,)


@app.cell(hide_code=True)
def _(again_guess):
    kit.choice_reply(text, "again", again_guess, right="part")
    return


@app.cell(hide_code=True)
def _(again_guess):
    kit.wait(again_guess)
    angle = kit.slider(text, "angle", 0, 90, 40, step=5)
    pairs = kit.slider(text, "pairs", 1, 32, 4)
    memory = kit.choice(text, "memory", ["remembers", "forgets"], "remembers")
    again_law = kit.choice(text, "law", list(lesson.LAWS), "gaussian")
    again_seed = kit.seed()
    kit.controls(kit.words(text, "again try"), angle, pairs, memory, again_law, again_seed)
    return again_law, again_seed, angle, memory, pairs


@app.cell(hide_code=True)
def _(again_law, again_seed, angle, memory, pairs):
    again = lesson.again(2 * pairs.value, angle.value, again_law.value, memory.value, again_seed.value)
    show.panel(
        again, lesson.drawn_at(angle.value), text, "again",
        angle=angle.value, width=2 * pairs.value, **lesson.told(again, angle.value),
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _(again_guess):
    kit.wait(again_guess, silent=True)
    statement = kit.choice(text, "statement", list(lesson.STATEMENTS), "independent")
    refute = kit.refute()
    kit.below(
        show.derivation(conditioning.orthogonal(), conditioning.answer(), conditioning.answer_and_known()),
        kit.words(text, "again after"),
        kit.box(text, "box"),
        statement,
        refute,
    )
    return refute, statement


@app.cell(hide_code=True)
def _(refute, statement):
    kit.refuted(refute, *lesson.STATEMENTS[statement.value])
    return


@app.cell(hide_code=True)
def _():
    cost_guess = kit.ask(text, "cost question")
    cost_guess
    return (cost_guess,)


@app.cell(hide_code=True)
def _(cost_guess):
    kit.guess_reply(text, "cost", cost_guess, engines.laptops())
    return


@app.cell(hide_code=True)
def _(cost_guess):
    kit.wait(cost_guess)
    power = kit.slider(text, "power", 2, 6, 4)
    cost_seed = kit.seed()
    kit.controls(kit.words(text, "cost try"), power, cost_seed)
    return cost_seed, power


@app.cell(hide_code=True)
def _(cost_seed, power):
    cost = engines.cost(power.value, cost_seed.value)
    show.panel(cost, engines.draw_cost, text, "cost", **engines.bill(cost))
    return


@app.cell(hide_code=True)
def _(cost_guess):
    kit.wait(cost_guess, silent=True)
    kit.below(kit.words(text, "cost after"), show.derivation(conditioning.open_square()))
    return


@app.cell(hide_code=True)
def _():
    exercise_answers = kit.answers(text, lesson.EXERCISES)
    return (exercise_answers,)


@app.cell(hide_code=True)
def _(exercise_answers):
    kit.closing(text, lesson.EXERCISES, exercise_answers)
    return


@app.function(hide_code=True)
def test_exercises_accept_their_own_answers():
    assert all(exercise.accepts_its_own_answer(text) for exercise in lesson.EXERCISES)


if __name__ == "__main__":
    app.run()
