package main

import (
	"fmt"
	"strings"

	"example.com/rotatelog/internal/format"
	"example.com/rotatelog/s3store"
)

// setNow is a line about how the bucket is set up.
type setNow struct {
	what, is string
	mark     string // fine, look or asked
	text     string
}

const (
	fine  = "ok"
	look  = "look" // it should be otherwise
	asked = "?"    // in vain
)

// printSettings prints how the bucket is set up, and what should be otherwise.
func (b *bucketSetup) printSettings() {
	if b.settings == nil {
		b.app.paragraph("Not known yet: " + b.unknown + ".")
		return
	}
	for _, line := range b.settingsNow() {
		c := yellow
		if line.mark == fine {
			c = green
		}
		begin := fmt.Sprintf("  %-6s%-12s", line.mark, line.what)
		text := strings.Trim(line.is+": "+line.text, ": ")
		lines := strings.Join(format.Wrap(text, strings.Repeat(" ", len(begin)), b.app.out.width), "\n")
		b.app.println(strings.Replace(begin, line.mark, b.app.out.paint(c, line.mark), 1) + lines[len(begin):])
	}
}

func (b *bucketSetup) settingsNow() []setNow {
	s := b.settings
	lines := append([]setNow{b.versioningNow(s.Versioning)}, b.lifecycleNow(s)...)
	return append(lines, plainNow("encryption", s.Encryption, "what is stored without a word about it is not encrypted"),
		plainNow("access log", s.Logging, "nobody can tell later who has read or written what"))
}

// plainNow returns the line of a setting of which either state is good.
func plainNow(what string, s s3store.Setting, ifOff string) setNow {
	if s.State == s3store.SettingUnknown {
		return unknownNow(what, s)
	}
	text := s.Text
	if s.State == s3store.SettingOff {
		text = ifOff
	}
	return setNow{what, s.State.String(), fine, text}
}

func unknownNow(what string, s s3store.Setting) setNow {
	return setNow{what, "not known", asked, withoutRequest(s.Err.Error(), s.Err)}
}

func (b *bucketSetup) versioningNow(s s3store.Setting) setNow {
	const what = "versioning"
	switch {
	case s.State == s3store.SettingUnknown:
		return unknownNow(what, s)
	case s.State == s3store.SettingOn && s.Text == "Suspended":
		return setNow{what, "off", fine, "it was on once, and versions from then stay"}
	case s.State == s3store.SettingOn && b.provider.versioned:
		return setNow{what, "on", fine, "as always here"}
	case s.State == s3store.SettingOn:
		return setNow{what, "on", look, "each upload leaves an old version of the whole day" + b.versionsADay()}
	}
	return setNow{what, s.State.String(), fine, ""}
}

// printVersions says how large old versions would be.
func (b *bucketSetup) printVersions() {
	if of := b.versionsADay(); of != "" && b.provider.name != "Cloudflare R2" {
		b.app.paragraph("Old versions of the days that there are would take" + of[1:] + ".")
	}
}

// versionsADay says how large the old versions of a day are, if that is known.
func (b *bucketSetup) versionsADay() string {
	if b.usage.days == 0 {
		return ""
	}
	return fmt.Sprintf(", about %s a day", format.Bytes(int64(b.usage.rewritten)))
}

// lifecycleNow returns what the rules of the bucket do to uploads and days.
func (b *bucketSetup) lifecycleNow(s *s3store.BucketSettings) []setNow {
	const what = "lifecycle"
	switch s.Lifecycle.State {
	case s3store.SettingUnknown:
		return []setNow{unknownNow(what, s.Lifecycle)}
	case s3store.SettingUnsupported:
		return []setNow{{what, s.Lifecycle.State.String(), fine, ""}}
	}
	var lines []setNow
	aborts := false
	for _, r := range s.Rules {
		if !r.Enabled {
			continue
		}
		if r.AbortAfter > 0 && r.AbortAfter < abortAfter {
			lines = append(lines, setNow{what, "rule " + r.ID, look,
				fmt.Sprintf("it aborts uploads after %s; that may destroy a day whose upload is slow: no sooner than %d",
					format.Plural(r.AbortAfter, "day", "days"), abortAfter)})
		}
		aborts = aborts || r.AbortAfter > 0 && b.isForAll(r)
		lines = append(lines, b.ruleForDays(r)...)
	}
	if !aborts {
		return append([]setNow{{what, "no rule", look, "uploads that a lost machine has begun stay, and are paid for"}}, lines...)
	}
	return append([]setNow{{what, "on", fine, "unfinished uploads are aborted"}}, lines...)
}

// isForAll reports whether a rule is for all keys of all streams.
func (b *bucketSetup) isForAll(r s3store.LifecycleRule) bool {
	for _, prefix := range b.prefixes() {
		if r.Partial || !strings.HasPrefix(prefix, r.Prefix) {
			return false
		}
	}
	return true
}

// ruleForDays returns what a rule does to days.
func (b *bucketSetup) ruleForDays(r s3store.LifecycleRule) (lines []setNow) {
	if !b.isForDays(r) {
		return nil
	}
	is := "rule " + r.ID
	if r.Moves {
		lines = append(lines, setNow{"lifecycle", is, look, "it moves days to another storage class: nothing can be appended to an archived one"})
	}
	if r.ExpireAfter > 0 {
		mark := fine
		if r.ExpireAfter <= 2 { // that day may go on
			mark = look
		}
		lines = append(lines, setNow{"lifecycle", is, mark,
			fmt.Sprintf("it deletes each day %s after its last upload", format.Plural(r.ExpireAfter, "day", "days"))})
	}
	if r.ExpireAfter < 0 {
		lines = append(lines, setNow{"lifecycle", is, look, "it deletes all days on a date"})
	}
	return lines
}

// isForDays reports whether a rule is for keys of days, and not just for other keys.
func (b *bucketSetup) isForDays(r s3store.LifecycleRule) bool {
	for _, prefix := range b.prefixes() {
		rest, below := strings.CutPrefix(r.Prefix, prefix)
		if strings.HasPrefix(prefix, r.Prefix) || below && !strings.HasPrefix(rest, "rotatelog-probe-") && !strings.HasPrefix(rest, "damaged/") {
			return true
		}
	}
	return false
}
