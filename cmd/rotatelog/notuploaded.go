package main

import (
	"fmt"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/format"
)

// notUploaded says that nothing was uploaded yet of a day that has no object, and what to
// type. It returns "" unless all fetches of the day wait in the spool.
func (s *stream) notUploaded(day rotatelog.Day) (text, command string) {
	spool, err := rotatelog.Inspect(s.Dir, s.Name)
	if err != nil {
		return "", ""
	}
	waiting, last := 0, 0
	for _, b := range spool.Pending {
		if b.Day == day {
			waiting, last = waiting+b.Fetches, max(last, b.Last)
		}
	}
	command = s.typed("upload")
	if spool.Day == day {
		waiting, last = waiting+spool.Unfinished.Fetches, max(last, spool.Number)
		if spool.Unfinished.Fetches > 0 {
			command = s.typed("upload", "--partial")
		}
	}
	if waiting == 0 || waiting != last {
		return "", ""
	}
	return fmt.Sprintf("nothing of %v was uploaded yet: %s on disk", day, format.Plural(waiting, "fetch waits", "fetches wait")), command
}
