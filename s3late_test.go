package rotatelog_test

import (
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestUploadIsSettledBeforeTheNextWrite: a Complete is apparently refused, the looks
// after it fail, and it is executed hours later. Until its outcome is known, nothing
// else may be written to the day.
func TestUploadIsSettledBeforeTheNextWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: 300})
		b.cfg.Store = s3test.NewStore(client, s3test.SmallParts(s3store.Options{}, 300))
		b.cfg = rotatelog.LargeFrom(b.cfg, 300)
		b.cfg.MaxFetches = 1
		b.open()
		for n := range 10 {
			b.append(n)
			b.flush()
		}
		completes, looks := 0, 0
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			switch {
			case op.Name == "CompleteMultipartUpload" && op.Key == dayA:
				switch completes++; completes {
				case 1:
					looks = 3
					return fakes3.Fault{Later: true, Reply: fakes3.Error{Status: 412}}
				case 2:
					return fakes3.Fault{Reply: fakes3.Error{Status: 503}}
				}
			case op.Name == "GetObject" && op.Key == dayA && looks > 0:
				looks--
				return fakes3.Fault{Drop: true}
			}
			return fakes3.Fault{}
		}
		for n := range 15 {
			b.append(100 + n)
			b.flush()
			time.Sleep(10 * time.Minute)
		}
		before := s3Day(t, srv, dayA).Metadata.Uploads
		if late := srv.Release(); before != 25 || len(late) != 1 {
			t.Errorf("%d uploads, want 25; late requests were answered %v, want one", before, late)
		}
		if n := s3Day(t, srv, dayA).Metadata.Uploads; n != before {
			t.Errorf("a late request made %d uploads of %d", n, before)
		}
		b.append(200)
		if err := b.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if after := s3Day(t, srv, dayA).Metadata.Uploads; after != before+1 {
			t.Errorf("the day had %d uploads, got one more, and has %d", before, after)
		}
	})
}
