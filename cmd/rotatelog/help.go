package main

import (
	"context"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"example.com/rotatelog/docs"
	"example.com/rotatelog/internal/markdown"
	"example.com/rotatelog/internal/settings"
)

type helpCommand struct {
	Code string `arg:"" optional:"" help:"A code such as upload_refused, a command, or settings."`
}

// Run prints what docs/TROUBLESHOOTING.md says about a code, or the help of a command.
func (c *helpCommand) Run(_ context.Context, a *app) error {
	switch c.Code {
	case "":
		a.printUsage()
		return nil
	case "settings":
		a.printSettings()
		return nil
	}
	if i := slices.IndexFunc(a.parser.Model.Children, func(n *kong.Node) bool { return n.Name == c.Code }); i >= 0 {
		a.printHelp(a.parser.Model.Children[i])
		return nil
	}
	text := docs.Troubleshooting()
	section, ok := markdown.Section(text, c.Code)
	if !ok {
		section, ok = markdown.Row(text, c.Code)
	}
	if !ok {
		return usagef("there is nothing about %q; the nearest is %s", c.Code, settings.Nearest(c.Code, a.topics(text)))
	}
	for _, line := range markdown.Plain(section, a.out.width, helpOf) {
		a.println(line)
	}
	return nil
}

// helpOf says where the target of a link in docs/TROUBLESHOOTING.md is, on a terminal.
func helpOf(target string) string {
	if anchor, ok := strings.CutPrefix(target, "#"); ok {
		return "rotatelog help " + anchor
	}
	file, _, _ := strings.Cut(target, "#")
	return "docs/" + file
}

// topics returns what there is help about.
func (a *app) topics(text string) []string {
	all := append(markdown.Anchors(text), "settings")
	for _, command := range a.parser.Model.Children {
		all = append(all, command.Name)
	}
	return all
}
