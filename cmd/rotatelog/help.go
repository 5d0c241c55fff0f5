package main

import (
	"context"

	"example.com/rotatelog/docs"
	"example.com/rotatelog/internal/markdown"
	"example.com/rotatelog/internal/settings"
)

type helpCommand struct {
	Code string `arg:"" optional:"" help:"A code such as upload_refused, or settings."`
}

// Run prints what docs/TROUBLESHOOTING.md says about a code.
func (c *helpCommand) Run(_ context.Context, a *app) error {
	switch c.Code {
	case "":
		a.printUsage()
		return nil
	case "settings":
		a.printSettings()
		return nil
	}
	text := docs.Troubleshooting()
	section, ok := markdown.Section(text, c.Code)
	if !ok {
		section, ok = markdown.Row(text, c.Code)
	}
	if !ok {
		return usagef("there is nothing about %q; the nearest is %s", c.Code, settings.Nearest(c.Code, markdown.Anchors(text)))
	}
	for _, line := range markdown.Plain(section, a.out.width) {
		a.println(line)
	}
	return nil
}
