"""Groups of commands: in the order of use, and with the right command for a wrong name."""

import click

from forecaster.cli.common_options import CommonCommand, common_options
from forecaster.cli.help_documents import print_json_help
from forecaster.cli.suggestions import command_message

__all__ = ["CommandGroup"]


class CommandGroup(CommonCommand, click.Group):
    """A group whose commands are listed in the order of their definition."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Parameters, with the options that every command has; the help of the program lists them."""
        return [*common_options(self.params, hidden=ctx.parent is not None), *super().get_params(ctx)]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands, in the order in which a user needs them."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names.

        Raises:
            click.UsageError: There is no such command; the message names what was probably meant.
        """
        name = str(args[0])
        if ctx.resilient_parsing:  # a shell completes
            return super().resolve_command(ctx, args)
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(command_message(name, self.list_commands(ctx), ctx.parent is None), ctx)
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command; those of a command stand after it."""
        print_json_help(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            message = f"No such option '{error.option_name}' before a command; options follow the command."
            raise click.UsageError(message, ctx) from None
