package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"

	"example.com/rotatelog/internal/format"
)

// printHelp describes a command, or all of them if it is nil.
func (a *app) printHelp(command *kong.Node) {
	if command != nil {
		a.printCommandUsage(command)
	} else {
		a.printUsage()
	}
}

// groups are the headings below which the commands are listed.
var groups = [...][2]string{
	{"setup", "Set up"}, {"minute", "Every minute"}, {"look", "Look"}, {"read", "Read"},
	{"mend", "Check and mend"}, {"once", "Once"}, {"more", "More"},
}

// printUsage lists the commands.
func (a *app) printUsage() {
	a.println("Usage: rotatelog COMMAND [flags]\n")
	a.paragraph("Keeps every response of an API: on disk at once, then in a bucket, as one JSON object a day.")
	width := 0
	for _, command := range a.parser.Model.Children {
		width = max(width, utf8.RuneCountInString(synopsis(command)))
	}
	for _, group := range groups {
		heading := "\n" + a.out.paint(bold, group[1])
		for _, command := range a.parser.Model.Children {
			if g := command.ClosestGroup(); g != nil && g.Key == group[0] {
				if heading != "" {
					a.println(heading)
				}
				heading = ""
				a.printCommand(command, width)
			}
		}
	}
	a.println("")
	a.paragraph("rotatelog COMMAND --help says more about one. The exit code is 0 if all is good, 1 if something is wrong or " +
		"was not done, 2 if the command cannot be right, and 3 if it could not look or finish, which says nothing about the data.")
}

// printCommand prints the line of a command, or lines if there is no room.
func (a *app) printCommand(command *kong.Node, width int) {
	line := fmt.Sprintf("  %-*s  %s", width, synopsis(command), command.Help)
	if utf8.RuneCountInString(line) > a.out.width {
		line = "  " + synopsis(command) + "\n" + strings.Join(format.Wrap(command.Help, "      ", a.out.width), "\n")
	}
	a.println(line)
}

// synopsis returns a command with its arguments.
func synopsis(command *kong.Node) string {
	parts := []string{command.Name}
	for _, p := range command.Positional {
		arg := argument(p)
		if !p.Required {
			arg = "[" + arg + "]"
		}
		parts = append(parts, arg)
	}
	return strings.Join(parts, " ")
}

// argument returns the name of an argument.
func argument(p *kong.Positional) string {
	name := strings.ToUpper(p.Name)
	if p.IsCumulative() {
		name += "…"
	}
	return name
}

// printCommandUsage describes a command.
func (a *app) printCommandUsage(command *kong.Node) {
	a.printf("Usage: rotatelog %s [flags]\n\n", synopsis(command))
	a.paragraph(command.Help)
	if command.Detail != "" {
		a.println("")
		a.printDetail(strings.TrimSpace(command.Detail))
	}
	var arguments [][2]string
	for _, p := range command.Positional {
		arguments = append(arguments, [2]string{argument(p), p.Help})
	}
	a.printTerms("Arguments", arguments)
	own, settings := flagsOf(command)
	a.printFlags("Flags", own)
	if len(settings) > 0 {
		var names []string
		for _, flag := range settings {
			names = append(names, "--"+flag.Name)
		}
		a.printf("\n%s (rotatelog help settings)\n", a.out.paint(bold, "Settings"))
		a.println(strings.Join(format.Wrap(strings.Join(names, " "), "  ", a.out.width), "\n"))
	}
}

// printDetail prints what a command has to say of itself. It is laid out for 80 columns;
// where there are less, all but examples is laid out anew.
func (a *app) printDetail(text string) {
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			a.println("")
		}
		if a.out.width < maxWidth && !strings.HasPrefix(paragraph, " ") {
			a.paragraph(paragraph)
			continue
		}
		a.println(paragraph)
	}
}

// flagsOf returns the flags of a command: its own, and those that are settings.
func flagsOf(command *kong.Node) (own, settings []*kong.Flag) {
	for _, group := range command.AllFlags(true) {
		for _, flag := range group {
			if flag.Group != nil && flag.Group.Key == "settings" {
				settings = append(settings, flag)
			} else {
				own = append(own, flag)
			}
		}
	}
	return own, settings
}

// printSettings describes the settings of all commands.
func (a *app) printSettings() {
	a.paragraph("Settings are flags, else variables of the environment, else lines of a file, else defaults. " +
		"The flag --dir is the variable ROTATELOG_DIR. The file is the first of --config FILE, $ROTATELOG_CONFIG, " +
		"~/.config/rotatelog/env and /etc/rotatelog/env:")
	a.println("\n  ROTATELOG_DIR=/var/lib/rotatelog")
	a.println("  ROTATELOG_STORE=s3://BUCKET?endpoint=https://us-ord-1.linodeobjects.com")
	a.println("  AWS_ACCESS_KEY_ID=…")
	a.println("  AWS_SECRET_ACCESS_KEY=…\n")
	a.paragraph("It is no shell script: no quotes, no $, and a comment on a line of its own. If a key is in it, its mode " +
		"must be 0600. ROTATELOG_NAME=all_api,merge lists streams, and ROTATELOG_COUNT_MERGE is for one of them. A store " +
		"whose URL says profile=MIRROR has the keys MIRROR_AWS_ACCESS_KEY_ID and MIRROR_AWS_SECRET_ACCESS_KEY.")
	a.println("")
	a.paragraph("ROTATELOG_NOTIFY, ROTATELOG_PAGE and ROTATELOG_HEARTBEAT say who is told what is wrong: rotatelog status --help " +
		"says more. ROTATELOG_UPLOADED=webhook:URL is told of each upload. These are secrets, and have no flags.")
	var all []*kong.Flag
	for _, command := range a.parser.Model.Children {
		for _, flag := range command.Flags {
			isSetting := flag.Tag.Has("setting") || flag.Name == "config"
			if isSetting && !slices.ContainsFunc(all, func(f *kong.Flag) bool { return f.Name == flag.Name }) {
				all = append(all, flag)
			}
		}
	}
	a.printFlags("Flags", all)
	a.println("")
	a.paragraph("docs/SETUP.md goes from nothing to the first upload.")
}

// flagColumn is how wide flags and arguments are before their help.
const flagColumn = 27

func (a *app) printFlags(heading string, flags []*kong.Flag) {
	var terms [][2]string
	for _, flag := range flags {
		name := "--" + flag.Name
		if flag.Short != 0 {
			name = fmt.Sprintf("-%c, %s", flag.Short, name)
		}
		if !flag.IsBool() {
			name += " " + flag.PlaceHolder
		}
		terms = append(terms, [2]string{name, flag.Help})
	}
	a.printTerms(heading, terms)
}

// printTerms prints what can be typed below a heading, each with what it does.
func (a *app) printTerms(heading string, terms [][2]string) {
	if len(terms) == 0 {
		return
	}
	a.printf("\n%s\n", a.out.paint(bold, heading))
	indent := strings.Repeat(" ", flagColumn)
	for _, term := range terms {
		name, help := "  "+term[0], term[1]
		if a.out.width < 2*flagColumn {
			a.println(name + "\n" + strings.Join(format.Wrap(help, "      ", a.out.width), "\n"))
			continue
		}
		text := strings.Join(format.Wrap(help, indent, a.out.width), "\n")
		if n := utf8.RuneCountInString(name); n < flagColumn {
			a.println(name + text[n:])
		} else {
			a.println(name + "\n" + text)
		}
	}
}
