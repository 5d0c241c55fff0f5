package health

import (
	"fmt"
	"time"

	"example.com/rotatelog"
)

// skewed returns the failure if the store refuses uploads because of the clock. It does
// so from 15 minutes on.
func (v *view) skewed() *rotatelog.WriterFailure {
	if f := v.failure(); f != nil && f.Code == codeSkewed {
		return f
	}
	return nil
}

// By how much a clock may be wrong.
const (
	clockError    = 30 * time.Second
	clockCritical = 5 * time.Minute
)

func (v *view) clock() Finding {
	steps := []string{"timedatectl set-ntp true   (or set the clock)", "rotatelog doctor"}
	if f := v.skewed(); f != nil {
		return Finding{Severity: Critical, Since: f.Since, Steps: steps,
			Text: fmt.Sprintf("The store refuses uploads since %s: the clock of this machine is wrong. %s", v.at(f.Since), v.nothingLost())}
	}
	if ahead := v.fetchedAhead(); ahead >= clockError {
		return Finding{Severity: grade(ahead, clockError, clockCritical), Steps: steps,
			Text: fmt.Sprintf("The last fetch is dated %s after now: the clock of this machine was set back. Until then it does not show when fetches stop.", roughly(ahead))}
	}
	if v.ClockOff == nil {
		return Finding{}
	}
	way := "ahead of"
	if *v.ClockOff < 0 {
		way = "behind"
	}
	off := v.ClockOff.Abs()
	return Finding{Severity: grade(off, clockError, clockCritical), Steps: steps,
		Text: fmt.Sprintf("The clock of this machine is %s %s the store's. It decides to which day a fetch belongs.", roughly(off), way)}
}

// fetchedAhead returns by how much later than now the Writer has dated a fetch.
func (v *view) fetchedAhead() time.Duration {
	if v.Spool.Append == nil {
		return 0
	}
	return v.Spool.Append.LastSuccess.Sub(v.Now)
}
