package main

import (
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// globalFlags are the flags of all commands.
type globalFlags struct {
	Help  bool `help:"Print this." short:"h"`
	Quiet bool `help:"Print only if the exit code is not 0." short:"q"`
}

// commands is what can be typed. Each command is in a file of its name.
type commands struct {
	globalFlags

	Doctor doctorCommand `cmd:"" group:"setup" help:"Test the settings, the disk and the bucket."`

	Append appendCommand `cmd:"" group:"minute" help:"Keep fetches: on disk at once, then in the store."`

	Upload uploadCommand `cmd:"" group:"minute" help:"Send what waits."`

	Status statusCommand `cmd:"" group:"look" help:"What is wrong now, and what to do; else what is going on."`
	Tail   tailCommand   `cmd:"" group:"look" help:"Follow fetches as they are appended."`
	Serve  serveCommand  `cmd:"" group:"look" help:"The same as a live page, for a browser and for monitors."`
	Report reportCommand `cmd:"" group:"look" help:"Add days up, and compare them with the time before."`

	Cat    catCommand    `cmd:"" group:"read" help:"The fetches of a day, one a line."`
	Export exportCommand `cmd:"" group:"read" help:"Days as files that SQL engines and programs read."`

	Verify   verifyCommand   `cmd:"" group:"mend" help:"Read days as a whole, and find what is wrong with them."`
	Restore  restoreCommand  `cmd:"" group:"mend" help:"Put a broken day together again."`
	Takeover takeoverCommand `cmd:"" group:"mend" help:"Continue the stream of a lost machine."`

	Help_   helpCommand    `cmd:"" name:"help" group:"more" help:"What a code means, and what to do; how a command is used."`
	Version versionCommand `cmd:"" group:"more" help:"Which version this is."`
}

// newParser returns the parser of the arguments. That of all commands takes as long to
// make as append needs to keep a fetch. So if the first argument names a command, and that
// prints nothing about others, it is the parser of this one.
func newParser(grammar *commands, args []string) (*kong.Kong, error) {
	options := []kong.Option{kong.Name("rotatelog"), kong.NoDefaultHelp()}
	all := reflect.ValueOf(grammar).Elem()
	for field := range all.Type().Fields() {
		tag := field.Tag
		if _, ok := tag.Lookup("cmd"); !ok || len(args) == 0 || args[0] != argName(field) || tag.Get("group") == "more" {
			continue
		}
		command := all.FieldByIndex(field.Index).Addr().Interface()
		options = append(options, kong.DynamicCommand(argName(field), tag.Get("help"), tag.Get("group"), command))
		return kong.New(&grammar.globalFlags, options...)
	}
	return kong.New(grammar, options...)
}

// commandNames returns the names of all commands.
func commandNames() []string {
	var names []string
	for field := range reflect.TypeFor[commands]().Fields() {
		if _, ok := field.Tag.Lookup("cmd"); ok {
			names = append(names, argName(field))
		}
	}
	return names
}

// withCommand returns the arguments. Without a command, and if no help is asked for, they
// are those of status.
func withCommand(args []string) []string {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return args
	}
	names := append(commandNames(), "--help", "-h")
	if slices.ContainsFunc(args, func(arg string) bool { return slices.Contains(names, arg) }) {
		return args
	}
	return append([]string{"status"}, args...)
}

// settingNames returns the names of the flags of a type that are settings, those of its
// commands included.
func settingNames(t reflect.Type) []string {
	var names []string
	for field := range t.Fields() {
		if _, ok := field.Tag.Lookup("setting"); ok {
			names = append(names, argName(field))
		} else if field.Type.Kind() == reflect.Struct {
			names = append(names, settingNames(field.Type)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// argName returns the name of a flag or a command as it is typed.
func argName(field reflect.StructField) string {
	if name := field.Tag.Get("name"); name != "" {
		return name
	}
	var b strings.Builder
	for i, r := range field.Name {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
