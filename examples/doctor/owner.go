package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/s3store"
)

// owner is whether today's object may be written by the Writer of a directory.
type owner struct {
	finding s3store.Finding
	foreign need // who cannot work if not
}

// ownerKey names the metadata with the id of an object's Writer. The Writer has the
// same id in the file owner of its spool.
const ownerKey = "rotatelog-owner"

// lookAtToday compares today's objects, whose keys begin with base, with the spool. If
// there is no spool yet, a new Writer would get another id.
func lookAtToday(ctx context.Context, env cli.Env, store rotatelog.Store, base, spool string) owner {
	day, err := today(env)
	if err != nil {
		return owner{s3store.Finding{Err: err}, nobody}
	}
	file := filepath.Join(spool, "owner")
	mine, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return owner{s3store.Finding{Err: err}, nobody}
	}
	foreign := toOwn
	if err != nil {
		if _, err := os.Stat(spool); err != nil {
			foreign = nobody // the spool may be on another machine
		}
	}
	for _, suffix := range []string{".json", ".json.zst", ".json.gz"} {
		key := base + "_json_log_" + day.String() + suffix
		o, err := store.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return owner{s3store.Finding{Err: err}, nobody}
		}
		if theirs := o.Meta[ownerKey]; theirs != "" && theirs != string(mine) {
			return owner{s3store.Finding{Result: s3store.ResultNo, Err: fmt.Errorf(
				"%s belongs to the Writer %s, not to that of %s: use its -dir, or another -name or FOLDER; "+
					"if its spool was lost, stop it and write its id, without a line end, into %s",
				key, theirs, spool, file)}, foreign}
		}
	}
	return owner{s3store.Finding{Result: s3store.ResultYes}, foreign}
}

// today returns today's date in New York.
func today(env cli.Env) (rotatelog.Day, error) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		return rotatelog.Day{}, err
	}
	now := time.Now()
	if env.Clock != nil {
		now = env.Clock.Now()
	}
	return rotatelog.DayOf(now, zone), nil
}
