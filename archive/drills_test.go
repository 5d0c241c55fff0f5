package archive_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// drills are hurts, and what else happens to an object.
func drills() map[string]func(string) string {
	all := map[string]func(string) string{
		"deleted":       func(string) string { return gone },
		"older version": older,
	}
	for name, h := range hurts {
		all[name] = h.edit
	}
	return all
}

// older returns the object as it was three uploads before.
func older(s string) string {
	s = s[:strings.Index(s, ",\n"+`{"upload_sequence":3`)] + "\n]}\n"
	for old, new := range map[string]string{`"total_uploads":5`: `"total_uploads":2`, `"total_matches_today":55`: `"total_matches_today":10`,
		`"last_upload":"07/10/2025 12:09:00 PM EDT"`: `"last_upload":"07/10/2025 12:03:00 PM EDT"`, `"total_fetches_today":10`: `"total_fetches_today":4`} {
		s = replace(old, new)(s)
	}
	return s
}

// sizes are the smallest parts that servers copy in the drills: days are written whole,
// or by copying parts.
var sizes = map[string]int64{"whole": 0, "in parts": 300}

// servers returns the servers that are tried.
func servers() []fakes3.Profile {
	if depth.Short() {
		return []fakes3.Profile{fakes3.RGW16(), fakes3.Versity()}
	}
	return s3test.Profiles()
}

// drilled returns the servers, and the names of the drills, that are tried where each
// request is.
func drilled() ([]fakes3.Profile, []string) {
	if depth.Full() {
		return []fakes3.Profile{fakes3.RGW16(), fakes3.RGW20(), fakes3.Linode(), fakes3.Versity()}, []string{"a web page", "deleted", "flipped"}
	}
	return []fakes3.Profile{fakes3.RGW16()}, []string{"deleted", "flipped"}
}

// TestDrills: on each server, each day that was hurt is restored while its Writer
// continues.
func TestDrills(t *testing.T) {
	for _, p := range servers() {
		for size, minPart := range sizes {
			for name, edit := range drills() {
				t.Run(fmt.Sprintf("%s/%s/%s", p.Name, size, name), func(t *testing.T) {
					t.Parallel()
					inBucket(t, p, minPart, func(t *testing.T, b *bucket) {
						b.write(10)
						good := b.object()
						bad := b.hurt(edit)
						if r, err := b.restore(t.Context()); err != nil || codes(r) != "" {
							t.Fatalf("%v, %v", r.Findings, err)
						}
						if got := b.object(); got != good {
							t.Errorf("restored:\n%s\nwas:\n%s", got, good)
						}
						if bad != gone && !slices.Contains(b.kept(), bad) {
							t.Errorf("kept %q, want %q", b.kept(), bad)
						}
						b.write(3)
						b.wantWhole(13)
					})
				})
			}
		}
	}
}

// TestDrillsKilled: the restoring process is killed at each of its requests, before or
// after the server has executed it. Then the Writer continues, or the day is restored
// again, and in the end it holds everything once.
func TestDrillsKilled(t *testing.T) {
	depth.SkipInShort(t)
	all := drills()
	profiles, names := drilled()
	for _, p := range profiles {
		for size, minPart := range sizes {
			for _, name := range names {
				t.Run(fmt.Sprintf("%s/%s/%s", p.Name, size, name), func(t *testing.T) {
					t.Parallel()
					step := depth.N(7, 4, 2)
					for n := 1; ; n += step {
						more := false
						for _, after := range []bool{false, true} {
							for _, writerFirst := range []bool{false, true} {
								t.Run(fmt.Sprintf("request %d, executed %v, writer first %v", n, after, writerFirst), func(t *testing.T) {
									more = killedRestore(t, p, minPart, all[name], n, after, writerFirst)
								})
							}
						}
						if !more || t.Failed() {
							break
						}
					}
				})
			}
		}
	}
}

func killedRestore(t *testing.T, p fakes3.Profile, minPart int64, edit func(string) string, n int, after, writerFirst bool) (more bool) {
	inBucket(t, p, minPart, func(t *testing.T, b *bucket) {
		b.write(10)
		good := b.object()
		bad := b.hurt(edit)
		more = b.killedAt(n, after, func(ctx context.Context) { b.restore(ctx) })
		now := b.object()
		if now != bad && now != good && (now != "" || bad != gone) {
			t.Fatalf("the object is neither as before nor restored:\n%s", now)
		}
		want := 10
		if writerFirst {
			b.tryToWrite(3) // what makes no sense is refused until it is restored
			want = 13
		}
		if _, err := b.restore(t.Context()); err != nil {
			t.Fatalf("again: %v", err)
		}
		b.write(1)
		b.wantWhole(want + 1)
		if bad != gone && !writerFirst && !slices.Contains(b.kept(), bad) {
			t.Errorf("kept %q, want %q", b.kept(), bad)
		}
		for _, u := range b.srv.Uploads(s3test.Bucket) {
			if u.Parts > 0 { // one without parts has lost its reply, and is swept
				t.Errorf("left open: %+v", u)
			}
		}
	})
	return more
}
