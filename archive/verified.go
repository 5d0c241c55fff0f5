package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/sleep"
	"example.com/rotatelog/internal/vfs"
)

// verifiedFile is the file of a spool that says what Verify found of each day. It is news,
// never truth: it is not synced, and nothing but whether to verify again, or to complain
// that nobody does, is decided by it.
const verifiedFile = "verified.json"

// verifiedLock is held while the file is replaced, so that of two programs that verify
// different days neither loses what the other has found.
const verifiedLock = "verified.lock"

// maxVerified is how many days the file has at most, the latest.
const maxVerified = 400

// A VerifiedDay is what was last found of a day.
type VerifiedDay struct {
	Day      rotatelog.Day     `json:"day"`
	Key      string            `json:"key,omitempty"` // "" if there was no object
	Version  rotatelog.Version `json:"version,omitempty"`
	Verified time.Time         `json:"verified"`
	Worst    Severity          `json:"worst"`
	Errors   int               `json:"errors"` // of the findings that the Report holds
	Warnings int               `json:"warnings"`
	Gaps     int               `json:"gaps,omitempty"`    // among the warnings: times without a fetch
	GapFrom  time.Time         `json:"gap_from,omitzero"` // the longest of them
	GapTo    time.Time         `json:"gap_to,omitzero"`
}

// verifiedDay returns what there is to remember of a report.
func verifiedDay(r Report, now time.Time) VerifiedDay {
	v := VerifiedDay{Day: r.Day, Key: r.Key, Version: r.Version, Verified: now.UTC().Truncate(time.Second), Worst: r.Worst()}
	for _, f := range r.Findings {
		switch f.Severity() {
		case Error:
			v.Errors++
		case Warning:
			v.Warnings++
		}
		if f.Code == Gap {
			v.Gaps++
			if f.To.Sub(f.From) > v.GapTo.Sub(v.GapFrom) {
				v.GapFrom, v.GapTo = f.From.UTC(), f.To.UTC()
			}
		}
	}
	return v
}

// LoadVerified returns what SaveVerified has left in a spool, the oldest day first. There
// is nothing, and no error, if no day was verified yet.
func LoadVerified(spool *rotatelog.SpoolReader) ([]VerifiedDay, error) {
	dir, err := openSpoolDir(spool)
	if err != nil {
		return nil, verifiedError("read", spool, err)
	}
	defer dir.Close()
	days, err := readVerified(dir)
	if err != nil {
		return nil, verifiedError("read", spool, err)
	}
	return days, nil
}

// SaveVerified leaves in a spool, for other processes, what Verify has just found of some
// days. It is safe beside the Writer, and beside others that do the same, for which it
// waits until ctx is done. It keeps the 400 latest days.
func SaveVerified(ctx context.Context, spool *rotatelog.SpoolReader, now time.Time, reports ...Report) error {
	dir, err := openSpoolDir(spool)
	if err != nil {
		return verifiedError("write", spool, err)
	}
	defer dir.Close()
	if err := saveVerified(ctx, dir, now, reports); err != nil {
		return verifiedError("write", spool, err)
	}
	return nil
}

func saveVerified(ctx context.Context, dir vfs.FS, now time.Time, reports []Report) error {
	if info, err := dir.Stat("."); err != nil {
		return err
	} else if info.Foreign { // its Writer could not read what is made now
		return fmt.Errorf("the spool belongs to another user: %w", fs.ErrPermission)
	}
	const pause = 50 * time.Millisecond
	lock, err := dir.Lock(verifiedLock)
	for errors.Is(err, vfs.ErrLocked) {
		if waited := sleep.For(ctx, pause); waited != nil {
			return fmt.Errorf("%w: another program is writing it: %w", rotatelog.ErrLocked, waited)
		}
		lock, err = dir.Lock(verifiedLock)
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	days, err := readVerified(dir)
	if err != nil { // what it said is lost, and each day is verified again
		days = nil
	}
	for _, r := range reports {
		days = slices.DeleteFunc(days, func(v VerifiedDay) bool { return v.Day == r.Day })
		days = append(days, verifiedDay(r, now))
	}
	slices.SortFunc(days, func(a, b VerifiedDay) int { return a.Day.Compare(b.Day) })
	return replaceVerified(dir, days[max(0, len(days)-maxVerified):])
}

func replaceVerified(dir vfs.FS, days []VerifiedDay) error {
	content, err := json.Marshal(days)
	if err != nil {
		return err
	}
	err = vfs.WriteUnsynced(dir, verifiedFile+".new", append(content, '\n'))
	if vfs.NoSpace(err) {
		dir.Remove(verifiedFile + ".new") // what it took is wanted for fetches
	}
	if err != nil {
		return err
	}
	return dir.Rename(verifiedFile+".new", verifiedFile)
}

func readVerified(dir vfs.FS) (days []VerifiedDay, err error) {
	content, err := vfs.ReadFile(dir, verifiedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &days)
	}
	return days, err
}

// openSpoolDir opens the directory of a spool.
func openSpoolDir(spool *rotatelog.SpoolReader) (vfs.FS, error) {
	if _, err := os.Stat(spool.Dir()); err != nil { // vfs.Dir would make it
		return nil, err
	}
	return vfs.Dir(spool.Dir())
}

func verifiedError(op string, spool *rotatelog.SpoolReader, err error) error {
	hint := ""
	if errors.Is(err, fs.ErrPermission) {
		hint = "run this as the user of the Writer"
	}
	return &rotatelog.Error{Op: op, Key: filepath.Join(spool.Dir(), verifiedFile), Err: err, Hint: hint}
}
