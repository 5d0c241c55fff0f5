package health

import (
	"fmt"
	"slices"
	"time"
)

func (v *view) appendStale() Finding {
	last := v.lastFetch()
	begin, expected := v.Expect.begin(v.Now, v.Location)
	if last.IsZero() || !expected || v.inGrace() {
		return Finding{}
	}
	since := last
	if begin.After(last) {
		since = begin
	}
	interval, silence := v.interval(), v.Now.Sub(since)
	text := fmt.Sprintf("No fetch has come for %s, since %s; one is due every %s.", roughly(silence), v.at(since), period(interval))
	if a := v.Spool.Append; a != nil {
		text += " The Writer was " + a.Seen(v.Now) + "."
	}
	return Finding{Severity: grade(silence, 5*interval, 15*interval), Since: since, Text: text, Steps: []string{
		"see whether what fetches runs: systemctl status rotatelog, or crontab -l",
		"run it once by hand, and read its last lines in the log",
		"rotatelog doctor",
	}}
}

// refusedInRow is how many Appends in a row the disk has to refuse.
const refusedInRow = 3

// appendRefused looks at what the disk refuses: a fetch that is invalid, or that its
// producer gave up, says nothing about that.
func (v *view) appendRefused() Finding {
	var since time.Time
	var reason string
	n := 0
	for _, a := range slices.Backward(v.recent()) {
		if a.Refused == "" {
			break
		}
		if a.Refused == "invalid" || a.Refused == "canceled" {
			continue
		}
		if n++; n == 1 {
			reason = a.Refused
			if v.lastFetch().After(a.Time) {
				return Finding{}
			}
		}
		since = a.Time
	}
	if n < refusedInRow {
		return Finding{}
	}
	said := reason
	if f := v.Spool.Append.LastFailure; f != nil && f.Code == reason {
		said = f.Sentence
		if !f.Since.IsZero() && f.Since.Before(since) {
			since = f.Since // not all Appends since then are remembered
		}
	}
	text := fmt.Sprintf("Fetches are being lost: none could be put on disk since %s. The last error: %s.", v.at(since), said)
	return Finding{Severity: Critical, Since: since, Text: text, Steps: v.stepsForDisk(reason)}
}

func (v *view) stepsForDisk(reason string) []string {
	dir := v.Spool.Dir
	switch reason {
	case "no_space":
		return []string{"df -h " + dir + "; df -i " + dir, "free some space there   (fetches are taken again at once)", "rotatelog doctor"}
	case "spool_full":
		return []string{"rotatelog doctor   (says why uploads wait)", v.command("upload"), "or let more wait: MaxPendingBytes"}
	case "permission":
		return []string{"let the user that fetches read and write in " + dir, "rotatelog doctor"}
	}
	return []string{"look for errors of the disk: dmesg", "df -h " + dir, "rotatelog doctor"}
}

func (v *view) appendInvalid() Finding {
	const of, limit = 10, 3
	recent := v.recent()
	recent = recent[max(0, len(recent)-of):]
	var since time.Time
	n := 0
	for _, a := range recent {
		if a.Refused != "invalid" {
			continue
		}
		if n++; n == 1 {
			since = a.Time
		}
	}
	if n < limit {
		return Finding{}
	}
	text := fmt.Sprintf("%d of the last %d Appends were not one JSON object, since %s.", n, len(recent), v.at(since))
	if f := v.Spool.Append.LastFailure; f != nil && f.Code == "invalid" {
		text += " The last error: " + f.Sentence + "."
	}
	return Finding{Severity: Error, Since: since, Text: text, Steps: []string{
		"look at what the API answers: curl -i URL   (a page of HTML, an error, a limit)",
		"see whether the API key is still good",
		"rotatelog tail   (shows what comes)",
	}}
}

// uncounted looks at fetches that were kept, and count 0.
func (v *view) uncounted() Finding {
	const of, limit = 60, 60 / 10
	fetches := v.fetches()
	var since time.Time
	n := 0
	for _, a := range fetches[max(0, len(fetches)-of):] {
		if !a.Uncounted {
			continue
		}
		if n++; n == 1 {
			since = a.Time
		}
	}
	if n <= limit {
		return Finding{}
	}
	return Finding{Severity: Error, Since: since,
		Text: fmt.Sprintf("%d of the last %d fetches could not be counted, since %s. They are kept, and count 0.", n, min(of, len(fetches)), v.at(since)),
		Steps: []string{
			"rotatelog tail   (shows what comes)",
			"set ROTATELOG_COUNT in " + v.Settings + " to the member that has the count, or the array of matches",
		}}
}
