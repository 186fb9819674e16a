"""Keys of the JSON documents about the program itself: errors, help, schemas; see `json_keys`."""

__all__ = ["DOCTOR", "ERROR", "HELP", "SCHEMAS"]

ERROR = """
schema | text | error/1
code | text | kind of the error, such as run_not_found; see scripting.md
message | text | what happened
hint | text or null | what was expected, and what to do
commands[] | text | command lines that may help; the corrected one first
exit_code | integer | exit code of the process
mistakes[] | text | every mistake in one line: message and hint
"""

DOCTOR = """
schema | text | doctor/1
outcome | text | the worst outcome: ok, warning or problem
findings[].subject | text | what was checked
findings[].outcome | text | ok, warning or problem
findings[].text | text | the finding
findings[].commands[] | text | command lines that help
"""

SCHEMAS = """
schema | text | schemas/1
schemas[].name | text | name for forecast schema NAME
schemas[].command | text | command that prints the document
schemas[].version | text or null | value of its key schema; null for rows without one
schemas[].list | true or false | true if the command prints a list of such documents
"""

HELP = """
schema | text | help/1
version | text | version of the program
exit_codes.<code> | text | meaning of an exit code
commands[].command | text | words of the command
commands[].summary | text | its purpose in one line
commands[].help | text | its description, with examples
commands[].arguments[].name | text | name in the usage line
commands[].arguments[].type | text | type
commands[].arguments[].required | true or false | true if it must be given
commands[].arguments[].repeated | true or false | true if several are allowed
commands[].arguments[].help | text | its description
commands[].options[].name | text | flag
commands[].options[].flags[] | text | all its names
commands[].options[].type | text | text, integer, number, boolean, choice, file, date or list
commands[].options[].choices[] | text | allowed values of a choice; no items for another type
commands[].options[].minimum | number or null | smallest value, where it is fixed
commands[].options[].maximum | number or null | largest value, where it is fixed
commands[].options[].default | ANY | default as it would be typed; null without one
commands[].options[].required | true or false | true if it must be given
commands[].options[].repeated | true or false | true if it may be given several times
commands[].options[].flag | true or false | true if it takes no value
commands[].options[].value | text or null | name of its value in the help
commands[].options[].variable | text or null | environment variable that sets it
commands[].options[].section | text or null | section of the help
commands[].options[].rare | true or false | true if only --help-all lists it
commands[].options[].help | text | its description
"""
