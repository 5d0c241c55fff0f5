package s3store_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// TestOpenUploads: those of the key alone, whose age counts from the last part, and none
// that is young is aborted.
func TestOpenUploads(t *testing.T) {
	for _, profile := range s3test.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, srv := s3test.NewSmallParts(profile, s3store.Options{})
				text := strings.Repeat("0123456789", 100)
				for _, key := range []string{"day", "day2"} {
					s3test.Write(t, store, key, "", nil, rotatelog.Data([]byte(text)))
				}
				v := s3test.Stat(t, store, "day").Version
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if op.Name == "CompleteMultipartUpload" || op.Name == "AbortMultipartUpload" {
						return fakes3.Fault{Drop: true}
					}
					return fakes3.Fault{}
				}
				parts := []rotatelog.Part{rotatelog.Copy(0, 1000), rotatelog.Data([]byte("more"))}
				for _, key := range []string{"day", "day2"} {
					if err := store.Write(t.Context(), key, v, parts, nil); err == nil {
						t.Fatal("it was written")
					}
				}
				srv.Fault = nil
				open, err := store.OpenUploads(t.Context(), "day")
				if err != nil || len(open) != 1 {
					t.Fatalf("%+v, %v", open, err)
				}
				if err := store.AbortUpload(t.Context(), "day", open[0].ID); err == nil || !strings.Contains(err.Error(), "may still take effect") {
					t.Errorf("young: %v", err)
				}
				time.Sleep(15 * time.Minute)
				if err := store.AbortUpload(t.Context(), "day", open[0].ID); err != nil {
					t.Errorf("old: %v", err)
				}
				if err := store.AbortUpload(t.Context(), "day", open[0].ID); err != nil {
					t.Errorf("again: %v", err)
				}
				s3test.WantOpen(t, srv, "day2")
				s3test.WantContent(t, store, "day", text)
			})
		})
	}
}

// TestUploadThatMadeTheObjectIsSpared: aborting it would delete the object.
func TestUploadThatMadeTheObjectIsSpared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(fakes3.RGW16(), s3store.Options{})
		text := strings.Repeat("0123456789", 100)
		s3test.Write(t, store, "day", "", nil, rotatelog.Data([]byte(text)))
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			return fakes3.Fault{Linger: op.Name == "CompleteMultipartUpload"}
		}
		v := s3test.Stat(t, store, "day").Version
		s3test.Write(t, store, "day", v, nil, rotatelog.Copy(0, 1000), rotatelog.Data([]byte("more")))
		time.Sleep(time.Hour)
		open, err := store.OpenUploads(t.Context(), "day")
		if err != nil || len(open) > 0 {
			t.Errorf("%+v, %v", open, err)
		}
		s3test.WantContent(t, store, "day", text+"more")
	})
}
