package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"example.com/rotatelog/internal/settings"
)

// schedule is what has to run again and again, for cron or for systemd.
type schedule struct {
	app     *app
	program string
	log     string // file for what cron's commands print
}

// exampleURL stands for the address of the API.
const exampleURL = "https://api.example/live"

// printSchedule prints lines to paste for cron, and units for systemd.
func (a *app) printSchedule(streams []stream) {
	s := schedule{a, a.env.Program, "/var/log/rotatelog.log"}
	if a.env.User() != "root" && streams[0].Dir != "" {
		s.log = filepath.Join(streams[0].Dir, "rotatelog.log")
	}
	a.println("")
	a.printElsewhere(streams)
	a.paragraph("Put the address of the API in place of " + exampleURL + ", in one of these:")
	a.println("\n" + a.out.paint(bold, "crontab") + " (crontab -e)")
	for _, line := range s.crontab(streams) {
		a.println(line)
	}
	a.println("\n" + a.out.paint(bold, "systemd") + " (these files)")
	var enabled []string
	for _, u := range s.units(streams) {
		a.printf("# /etc/systemd/system/%s\n%s\n", u.name, u.text)
		if strings.Contains(u.text, "[Install]") {
			enabled = append(enabled, u.name)
		}
	}
	a.println("systemctl daemon-reload; systemctl enable --now " + strings.Join(enabled, " "))
	a.println("")
	a.printAfterwards()
}

// printAfterwards says what the schedule does besides fetching.
func (a *app) printAfterwards() {
	text := "status tells what is wrong, verify reads yesterday each night, and serve shows all of it at http://127.0.0.1:8080/."
	if !a.tellsSomebody() {
		text += " To be told in a chat or on a phone, once for each cause, set ROTATELOG_NOTIFY and ROTATELOG_PAGE, and have status --notify --quiet " +
			"in place of status --quiet: rotatelog status --help says more."
	}
	a.paragraph(text)
}

// printElsewhere says which settings would be others for cron and systemd.
func (a *app) printElsewhere(streams []stream) {
	if names := a.onlyHere(); len(names) > 0 {
		file := "/etc/rotatelog/env"
		if f := a.settings.File(); f != nil {
			file = f.Path
		}
		a.paragraph(fmt.Sprintf("cron and systemd do not have the environment of this shell: put %s into %s first, of mode 0600.", strings.Join(names, ", "), file))
		a.println("")
	}
	for _, of := range streams {
		if v, ok := a.settings.Lookup("dir", of.Name); ok && v.Origin.Flag == "" && !filepath.IsAbs(v.Text) {
			a.paragraph(fmt.Sprintf("%s: cron and systemd run elsewhere: write the whole path in place of %s.", v.Origin, v.Text))
			a.println("")
		}
	}
}

// onlyHere returns the names of the settings that only this shell's environment has.
func (a *app) onlyHere() []string {
	var names []string
	for _, setting := range a.settings.List() {
		if o := setting.Origin; o.Flag == "" && o.File == "" {
			names = append(names, o.Variable)
		}
	}
	return names
}

// words returns a command with the settings that were typed.
func (s schedule) words(args ...string) []string {
	words := append([]string{s.program}, args...)
	for _, setting := range s.app.typedSettings {
		for _, flag := range []string{"--dir=", "--config=", "--encryption-key-file="} { // cron runs elsewhere
			if path, ok := strings.CutPrefix(setting, flag); ok && path != "" {
				if abs, err := filepath.Abs(path); err == nil {
					setting = flag + abs
				}
			}
		}
		words = append(words, setting)
	}
	return words
}

func mustBeNamed(of stream, streams []stream) bool {
	return len(streams) > 1 || of.Name != settings.DefaultStream
}

// fetch returns a command for a shell that appends one answer of the API.
func (s schedule) fetch(of stream, streams []stream) string {
	args := []string{"append", "--one", "--envelope"}
	if mustBeNamed(of, streams) {
		args = append(args, "--name="+of.Name)
	}
	return "curl -fsS -m 50 " + exampleURL + " | " + shellLine(s.words(args...))
}

// status returns a command that looks whether all is well, and tells if somebody is to be
// told.
func (s schedule) status() []string {
	if s.app.tellsSomebody() {
		return s.words("status", "--notify", "--quiet")
	}
	return s.words("status", "--quiet")
}

// tellsSomebody reports whether the settings say who is told.
func (a *app) tellsSomebody() bool {
	return slices.ContainsFunc(settings.AlertNames(), func(name string) bool {
		v, ok := a.settings.Env(name)
		return ok && v.Text != ""
	})
}

// verify returns a command that reads yesterday as a whole.
func (s schedule) verify() []string { return s.words("verify", "--quiet") }

// serve returns a command that shows the page until it is ended.
func (s schedule) serve() []string { return s.words("serve") }

// crontab returns the lines for cron, which takes % for the end of a line.
func (s schedule) crontab(streams []stream) []string {
	log := " >>" + shellLine([]string{s.log}) + " 2>&1"
	var lines []string
	for _, of := range streams {
		lines = append(lines, "* * * * * "+s.fetch(of, streams)+log)
	}
	lines = append(lines, "*/5 * * * * "+shellLine(s.status()), "30 3 * * * "+shellLine(s.verify()), "@reboot "+shellLine(s.serve())+log)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, "%", `\%`)
	}
	return lines
}

// unit is a file of systemd.
type unit struct{ name, text string }

func (s schedule) units(streams []stream) []unit {
	var units []unit
	for _, of := range streams {
		name := "rotatelog"
		if mustBeNamed(of, streams) {
			name += "-" + of.Name
		}
		command := "/bin/sh -c " + systemdWord(s.fetch(of, streams))
		units = append(units, s.timed(name, "Fetch "+of.Name, command, "minutely")...)
	}
	units = append(units, s.timed("rotatelog-status", "Look after rotatelog", systemdLine(s.status()), "*:0/5")...)
	units = append(units, s.timed("rotatelog-verify", "Read yesterday as a whole", systemdLine(s.verify()), "*-*-* 03:30:00 America/New_York")...)
	return append(units, s.running("rotatelog-serve", "Show how rotatelog is", systemdLine(s.serve())))
}

// timed returns a service and its timer.
func (s schedule) timed(name, what, command, calendar string) []unit {
	service := fmt.Sprintf(`[Unit]
Description=%s
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=%s
ExecStart=%s
`, what, s.app.env.User(), command)
	timer := fmt.Sprintf(`[Unit]
Description=%s, again and again

[Timer]
OnCalendar=%s
AccuracySec=1s

[Install]
WantedBy=timers.target
`, what, calendar)
	return []unit{{name + ".service", service}, {name + ".timer", timer}}
}

// running returns a service that is always there. At SIGTERM the command ends as it does
// when somebody interrupts it.
func (s schedule) running(name, what, command string) unit {
	return unit{name + ".service", fmt.Sprintf(`[Unit]
Description=%s
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=%s
ExecStart=%s
SuccessExitStatus=130
Restart=always
RestartSec=10s

[Install]
WantedBy=multi-user.target
`, what, s.app.env.User(), command)}
}

// systemdLine quotes the words of a command for ExecStart.
func systemdLine(words []string) string {
	var quoted []string
	for _, w := range words {
		quoted = append(quoted, systemdWord(w))
	}
	return strings.Join(quoted, " ")
}

// systemdWord quotes a word for ExecStart.
func systemdWord(w string) string {
	w = strings.NewReplacer("%", "%%", "$", "$$").Replace(w)
	if plain().MatchString(w) {
		return w
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
}
