package main

// commands is what can be typed. Each command is in a file of its name.
type commands struct {
	Help  bool `help:"Print this." short:"h"`
	Quiet bool `help:"Print only if the exit code is not 0." short:"q"`

	Append appendCommand `cmd:"" group:"minute" help:"Keep fetches: on disk at once, then in the store."`

	Upload uploadCommand `cmd:"" group:"minute" help:"Send what waits."`

	Tail tailCommand `cmd:"" group:"look" help:"Follow fetches as they are appended."`

	Cat catCommand `cmd:"" group:"read" help:"The fetches of a day, one a line."`

	Verify   verifyCommand   `cmd:"" group:"mend" help:"Read days as a whole, and find what is wrong with them."`
	Restore  restoreCommand  `cmd:"" group:"mend" help:"Put a broken day together again."`
	Takeover takeoverCommand `cmd:"" group:"mend" help:"Continue the stream of a lost machine."`

	Help_   helpCommand    `cmd:"" name:"help" group:"more" help:"What a code means, and what to do."`
	Version versionCommand `cmd:"" group:"more" help:"Which version this is."`
}
