package health

import (
	"fmt"
	"slices"
	"time"

	"example.com/rotatelog"
)

// fresh is for how long something that happened once is a finding.
const fresh = 24 * time.Hour

// incidents returns what happened lately, the newest at the end.
func (v *view) incidents(of *rotatelog.WriterState, code Code) []rotatelog.Incident {
	if of == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(of.Incidents), func(i rotatelog.Incident) bool {
		return i.Code != string(code) || v.Now.Sub(i.Time) >= fresh
	})
}

func (v *view) uploadsGone() Finding {
	return v.changed(UploadsGone, "Uploads were gone from the object of %s, and what the spool has is put back: %s.")
}

func (v *view) foreignChange() Finding {
	return v.changed(ForeignChange, "Somebody else has changed the object of %s: %s. Uploads continue, and nothing is changed back.")
}

// changed finds what happened to days' objects. It is Critical if this machine does not
// have all that is gone: the older version, or the backup, that has it may not stay.
func (v *view) changed(code Code, text string) Finding {
	found := v.incidents(v.Spool.Publish, code)
	if len(found) == 0 {
		return Finding{}
	}
	newest := found[len(found)-1]
	x := Finding{Severity: Error, Since: found[0].Time, Text: fmt.Sprintf(text, newest.Day, newest.Sentence)}
	if n := len(found) - 1; n > 0 {
		x.Text += " It is not the first time since " + v.at(x.Since) + "."
	}
	i := slices.IndexFunc(found, func(i rotatelog.Incident) bool { return i.Missing != 0 })
	if i < 0 {
		x.Steps = []string{v.command("verify " + newest.Day.String()), "find out who did it, and whose key can write there"}
		return x
	}
	x.Severity = Critical
	if n := found[i].Missing; code == ForeignChange && n > 0 {
		x.Text += " This machine has no copy of " + count(n, "fetch", "fetches") + " as it was."
	}
	day := found[i].Day.String()
	x.Steps = []string{v.command("restore " + day), v.command("restore " + day + " --apply"), "find out who did it, and whose key can write there"}
	return x
}

// corrupt finds an object that no Writer can append to.
func (v *view) corrupt() Finding {
	f := v.failure()
	if f == nil || !isCorrupt(f.Code) {
		return Finding{}
	}
	steps := []string{v.command("restore " + f.Day.String()), v.command("restore " + f.Day.String() + " --apply")}
	if f.Code == codeOldScript {
		if !v.hasUploads(f.Day) { // there is nothing to restore the day from
			steps = []string{"move " + f.Key + " to another name in the store   (its batches follow by themselves)"}
		}
		steps = slices.Insert(steps, 0, "stop the old script, which writes to the same key")
	}
	x := Finding{Severity: Error, Since: f.Since,
		Text:  fmt.Sprintf("The object of %s is damaged, and nothing is written to it: %s. Its batches wait on disk, other days continue.", f.Day, f.Sentence),
		Steps: steps}
	if !v.spoolHas(f.Day) {
		x.Severity = Critical
	}
	return x
}

// hasUploads reports whether anything was uploaded to a day's object, as far as is known.
func (v *view) hasUploads(day rotatelog.Day) bool {
	look := v.Spool.Publish.LastLook
	return look != nil && look.Day == day && look.Uploads > 0 ||
		slices.ContainsFunc(v.Spool.Confirmed, func(b rotatelog.BatchStatus) bool { return b.Day == day }) ||
		slices.ContainsFunc(v.Spool.Bodies, func(b rotatelog.DayBody) bool { return b.Day == day })
}

// spoolHas reports whether all uploads of a day's object are still in the spool.
func (v *view) spoolHas(day rotatelog.Day) bool {
	if slices.ContainsFunc(v.Spool.Bodies, func(b rotatelog.DayBody) bool { return b.Day == day }) {
		return true
	}
	last, n := 0, 0
	for _, b := range v.Spool.Confirmed {
		if b.Day == day {
			last = max(last, b.Sequence)
			n++
		}
	}
	if l := v.Spool.Publish.LastLook; l != nil && l.Day == day {
		last = max(last, l.Uploads)
	}
	return n == last
}

func (v *view) repaired() Finding {
	found := v.incidents(v.Spool.Append, Repaired)
	if len(found) == 0 {
		return Finding{}
	}
	newest := found[len(found)-1]
	text := fmt.Sprintf("%s was not as it was left, and was repaired at %s: %s.", newest.Key, v.at(newest.Time), newest.Sentence)
	return Finding{Severity: Warning, Since: found[0].Time, Text: text, Steps: []string{
		"look at what was set aside in " + v.Spool.Dir + "/" + v.Spool.Name + ".spool/damaged, and delete it then",
		"if it happens again, test the disk, and find the program that writes there",
	}}
}
