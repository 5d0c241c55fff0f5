package rotatelog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
)

// bodyName is where the last body of the bench's day is.
const bodyName = "all_api.spool/body-" + today

// changed is a change of the third upload of a day, which has 453 matches.
type changed struct {
	pack rotatelog.Compression
	text string // which is followed by 453
}

// changedUploads are changes of a fetch, and of a head, which stands uncompressed in a
// compressed day.
func changedUploads() []changed {
	return []changed{
		{rotatelog.Uncompressed, `"total_matches":`},
		{rotatelog.Uncompressed, `"matches_in_upload":`},
		{rotatelog.Zstd, `"matches_in_upload":`},
		{rotatelog.Gzip, `"matches_in_upload":`},
	}
}

func (c changed) name() string { return fmt.Sprintf("%v/%s", c.pack, strings.Trim(c.text, `":`)) }

// inChangedDays runs a test for each change, and for objects that are then deleted or not.
func inChangedDays(t *testing.T, test func(t *testing.T, c changed, deleted bool)) {
	t.Parallel()
	for _, c := range changedUploads() {
		for _, deleted := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/deleted=%v", c.name(), deleted), func(t *testing.T) { test(t, c, deleted) })
		}
	}
}

// apply changes the day's object, and what the server says beside it stays.
func (c changed) apply(t *testing.T, srv *fakes3.Server, key string) {
	t.Helper()
	data, meta, _ := srv.Object(s3test.Bucket, key)
	srv.PutObject(s3test.Bucket, key, changeText(t, key, data, c.text+"453", c.text+"953"), meta)
}

// TestChangedUploadIsPutBackAsItWas: somebody changed an upload in the object, and the last
// body in the spool has it as it was changed. When the object is deleted, or replaced by
// an older version, the upload goes back as uploaded/ has it.
func TestChangedUploadIsPutBackAsItWas(t *testing.T) {
	inChangedDays(t, func(t *testing.T, c changed, deleted bool) {
		inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
			b.cfg.MaxFetches, b.cfg.Compression = 1, c.pack
			b.open()
			b.uploadEach(451, 451)
			key := srv.Keys(s3test.Bucket)[0]
			old, meta, _ := srv.Object(s3test.Bucket, key)
			b.uploadEach(452, 454)
			c.apply(t, srv, key)
			b.uploadEach(455, 456)
			if deleted {
				srv.DeleteObject(s3test.Bucket, key)
			} else {
				srv.PutObject(s3test.Bucket, key, old, meta)
			}
			b.uploadEach(457, 458)
			b.wantFetches(srv, key, 451, 452, 453, 454, 455, 456, 457, 458)
		})
	})
}

// wantFetches wants a day of uploads of one fetch each, that have these matches, in any
// order.
func (b *bench) wantFetches(srv *fakes3.Server, key string, matches ...int) {
	b.t.Helper()
	d := s3Day(b.t, srv, key)
	var text strings.Builder
	for _, u := range d.Uploads {
		for _, fetch := range u.Data {
			text.Write(fetch)
		}
	}
	if len(d.Uploads) != len(matches) {
		b.t.Errorf("%d uploads, want %d", len(d.Uploads), len(matches))
	}
	sum := 0
	for _, n := range matches {
		sum += n
		if strings.Count(text.String(), fmt.Sprintf(`"total_matches":%d`, n)) != 1 {
			b.t.Errorf("a fetch of %d matches is not there once:\n%s\n%s", n, &text, b.log)
		}
	}
	if d.Metadata.Matches != int64(sum) {
		b.t.Errorf("%d matches, want %d", d.Metadata.Matches, sum)
	}
}

// TestChangedUploadWithoutACopyShowsThat: where nothing has an upload as it was it is put
// back as it is, with the checksum that shows it, and the error says so.
func TestChangedUploadWithoutACopyShowsThat(t *testing.T) {
	inChangedDays(t, func(t *testing.T, c changed, deleted bool) {
		inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
			b.cfg.MaxFetches, b.cfg.Compression, b.cfg.KeepUploaded, b.cfg.KeepFor = 1, c.pack, 1, -1
			b.open()
			b.uploadEach(451, 451)
			key := srv.Keys(s3test.Bucket)[0]
			old, meta, _ := srv.Object(s3test.Bucket, key)
			b.uploadEach(452, 454)
			stated := s3Day(t, srv, key).Uploads[2].SHA256
			c.apply(t, srv, key)
			b.uploadEach(455, 458)
			if deleted {
				srv.DeleteObject(s3test.Bucket, key)
			} else {
				srv.PutObject(s3test.Bucket, key, old, meta)
			}
			found := b.losses()
			b.reopen()
			b.uploadEach(459, 459)
			wantOneLoss(t, *found, "upload 3 is not as uploaded", "restore the day")
			data, _, _ := srv.Object(s3test.Bucket, key)
			uploads := parseDayLoosely(t, dayText(t, key, data)).Uploads
			if len(uploads) != 9 || uploads[2].SHA256 != stated {
				t.Errorf("%+v", uploads)
			}
		})
	})
}

// TestChangedUploadIsNotRead: who restores a day from the last body in the spool does not
// get what somebody had changed in the object.
func TestChangedUploadIsNotRead(t *testing.T) {
	for _, c := range changedUploads() {
		t.Run(c.name(), func(t *testing.T) {
			inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
				b.cfg.MaxFetches, b.cfg.Compression = 1, c.pack
				b.open()
				b.uploadEach(451, 454)
				c.apply(t, srv, srv.Keys(s3test.Bucket)[0])
				b.uploadEach(455, 455)
				r, err := rotatelog.OpenSpoolReader(rotatelog.OnDisk(b.cfg, b.disk, nil))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				day, err := rotatelog.ParseDay(today)
				if err != nil {
					t.Fatal(err)
				}
				uploads, err := r.Body(day, c.pack)
				if err != nil {
					t.Fatal(err)
				}
				var sequences []int
				for _, u := range uploads {
					sequences = append(sequences, u.Sequence)
				}
				if !slices.Equal(sequences, []int{1, 2, 4, 5}) {
					t.Errorf("read %d", sequences)
				}
			})
		})
	}
}

// TestFlippedBitInTheBodyIsNotUploaded flips a bit of each byte of the last body in the
// spool. Neither the next append nor a day that is put back takes that from it.
func TestFlippedBitInTheBodyIsNotUploaded(t *testing.T) {
	t.Parallel()
	for _, deleted := range []bool{true, false} {
		t.Run(fmt.Sprintf("deleted=%v", deleted), func(t *testing.T) {
			for n := 0; ; n += 37 {
				more := false
				inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
					b.cfg.MaxFetches = 1
					b.open()
					b.uploadEach(451, 453)
					key := srv.Keys(s3test.Bucket)[0]
					b.Close()
					body := b.disk.Tree()[bodyName]
					if more = n < len(body); !more {
						return
					}
					flipped := []byte(body)
					flipped[n] ^= 1
					b.disk.WriteFile(bodyName, flipped, 0o600)
					if deleted {
						srv.DeleteObject(s3test.Bucket, key)
					}
					b.open()
					b.uploadEach(454, 454)
					b.wantFetches(srv, key, 451, 452, 453, 454)
				})
				if !more || t.Failed() {
					break
				}
			}
		})
	}
}
