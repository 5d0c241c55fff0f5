package health

import (
	"fmt"
	"slices"
	"time"

	"example.com/rotatelog"
)

// failure returns why uploads fail now, nil if they do not. That other days are uploaded
// says nothing about a batch of the day that failed, as long as that waits.
func (v *view) failure() *rotatelog.WriterFailure {
	p := v.Spool.Publish
	if p == nil || p.LastFailure == nil || !p.LastFailure.Over.IsZero() {
		return nil
	}
	f := p.LastFailure
	waits := slices.ContainsFunc(v.Spool.Pending, func(b rotatelog.BatchStatus) bool { return b.Day == f.Day && !b.Sealed.After(f.Time) })
	looked := p.LastLook != nil && p.LastLook.Looked.After(f.Time)
	if !waits && (looked || p.LastSuccess.After(f.Time)) {
		return nil
	}
	return f
}

// Codes of failures that have a rule of their own.
const (
	codeNotDaily  = "not_daily"
	codeOldScript = "old_script"
	codeSkewed    = "RequestTimeTooSkewed"
)

// isCorrupt reports whether an upload failed because of what is in the day's object.
func isCorrupt(code string) bool { return code == codeNotDaily || code == codeOldScript }

// oldest returns the batch that has waited longest, of those that nothing else explains.
func (v *view) oldest() (oldest rotatelog.BatchStatus, ok bool) {
	f := v.failure()
	for _, b := range v.Spool.Pending {
		if f != nil && isCorrupt(f.Code) && b.Day == f.Day { // which is corrupt
			continue
		}
		if !ok || b.Sealed.Before(oldest.Sealed) {
			oldest, ok = b, true
		}
	}
	return oldest, ok
}

// allowance is how long a batch may wait.
func (v *view) allowance() time.Duration { return max(v.UploadEvery, v.ExpectUpload) }

// lateness grades how late uploads are. At night nobody is called for what can wait for
// the morning.
func (v *view) lateness() Severity {
	oldest, ok := v.oldest()
	if !ok || v.inGrace() {
		return OK
	}
	page := 6 * time.Hour
	if hour := v.Now.In(v.Location).Hour(); hour >= 22 || hour < 8 {
		page = 12 * time.Hour
	}
	return grade(v.Now.Sub(oldest.Sealed)-v.allowance(), 30*time.Minute, page)
}

func (v *view) uploadLate() Finding {
	severity := v.lateness()
	if severity == OK || v.uploadRefused().Severity > OK || v.skewed() != nil {
		return Finding{}
	}
	oldest, _ := v.oldest()
	text := fmt.Sprintf("Uploads are late: a batch has waited for %s, since %s.", roughly(v.Now.Sub(oldest.Sealed)), v.at(oldest.Sealed))
	steps := []string{}
	if f := v.failure(); f != nil {
		text += " The last error: " + f.Sentence + "."
		if f.Remedy != "" {
			steps = append(steps, f.Remedy)
		}
	} else if p := v.Spool.Publish; p != nil {
		text += " The Writer that uploads was " + p.Seen(v.Now) + "."
	}
	return Finding{Severity: severity, Since: oldest.Sealed, Text: text + " " + v.nothingLost(),
		Steps: append(steps, "rotatelog doctor", v.command("upload"))}
}

// refusedFor is how long the store has to refuse. There are two attempts in it: the first
// and the last.
const refusedFor = 5 * time.Minute

func (v *view) uploadRefused() Finding {
	f := v.failure()
	if f == nil || !f.Permanent || isCorrupt(f.Code) || f.Code == codeSkewed || f.Since.IsZero() || f.Time.Sub(f.Since) < refusedFor {
		return Finding{}
	}
	x := Finding{Severity: max(Error, v.lateness()), Since: f.Since}
	x.Text = fmt.Sprintf("The store refuses uploads since %s: %s.", v.at(f.Since), f.Sentence)
	switch {
	case RefusesKey(f.Code):
		x.Text = fmt.Sprintf("The store refuses the key: %s, since %s.", withStatus(f.Code), v.at(f.Since))
		x.Steps = []string{"put a new key into " + v.Settings + "   (read again without a restart)"}
	case f.Remedy != "":
		x.Steps = []string{f.Remedy}
	}
	x.Text += " " + v.nothingLost()
	x.Steps = append(x.Steps, "rotatelog doctor")
	return x
}

// RefusesKey reports whether a store that answers with this code wants another key.
func RefusesKey(code string) bool {
	switch code {
	case "InvalidAccessKeyId", "XAdminUserNotFound", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired":
		return true
	}
	return false
}

// withStatus returns a code by which a store refuses a key, after its HTTP status if that
// is the same at each server.
func withStatus(code string) string {
	switch code {
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound":
		return "403 " + code
	}
	return code
}

// nothingLost says what waits, and for how long it can.
func (v *view) nothingLost() string {
	switch {
	case len(v.Spool.Pending) == 0:
		return "Nothing waits yet."
	case v.Disk == nil:
		return "Nothing is lost: " + v.waits() + "."
	}
	e := v.diskEstimate()
	if e.Lasts <= 0 {
		return e.subject() + " is full: " + v.waits() + "."
	}
	return "Nothing is lost: " + v.waits() + "; the disk lasts " + e.String() + "."
}

// waits says what waits for the store.
func (v *view) waits() string {
	w := v.waiting()
	verb := "wait"
	switch w.Batches {
	case 0:
		return "nothing waits"
	case 1:
		verb = "waits"
	}
	return fmt.Sprintf("%s (%s, %s) %s", count(w.Batches, "batch", "batches"), count(w.Fetches, "fetch", "fetches"), size(w.Bytes), verb)
}
