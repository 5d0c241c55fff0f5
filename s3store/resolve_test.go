package s3store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// inDoubtUpload is an upload whose Complete was sent, and got no answer.
type inDoubtUpload struct {
	*s3store.Store
	srv     *fakes3.Server
	intents s3test.Intents
	want    string // the object, once it is applied
}

// newInDoubtUpload writes "key", and lets the first Complete meet a fault.
func newInDoubtUpload(t *testing.T, profile fakes3.Profile, opts s3store.Options, fault fakes3.Fault) *inDoubtUpload {
	t.Helper()
	u := &inDoubtUpload{want: strings.Repeat("o", 400) + "+"}
	u.Store, u.srv = s3test.NewSmallParts(profile, opts)
	s3test.Prove(t, u, u.srv)
	v := rotatelog.Version(u.srv.PutObject(s3test.Bucket, "key", []byte(u.want[:400]), nil))
	u.srv.Fault = func(o fakes3.Op) fakes3.Fault {
		if o.Name == "CompleteMultipartUpload" && o.N == 1 {
			return fault
		}
		return fakes3.Fault{}
	}
	err := u.WriteIntent(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil, u.intents.Save)
	if err == nil || u.intents.Last() == "" {
		t.Fatalf("WriteIntent: %v, intents %q", err, u.intents)
	}
	return u
}

func (u *inDoubtUpload) resolve(t *testing.T) error {
	return u.Resolve(t.Context(), u.intents.Last(), u.intents.Save)
}

func (u *inDoubtUpload) mustResolve(t *testing.T, want string) {
	t.Helper()
	if err := u.resolve(t); err != nil {
		t.Errorf("Resolve: %v", err)
	}
	s3test.WantContent(t, u, "key", want)
	s3test.WantOpen(t, u.srv)
}

var noReply = fakes3.Fault{Reply: fakes3.Error{Status: 503}}

// settledProfiles are a server that honours conditions on Complete, and one that
// does not.
var settledProfiles = []fakes3.Profile{fakes3.RGW20(), fakes3.Linode()}

// TestResolveCompletesOverTheOldVersion, and saves when it does.
func TestResolveCompletesOverTheOldVersion(t *testing.T) {
	for _, profile := range settledProfiles {
		synctest.Test(t, func(t *testing.T) {
			u := newInDoubtUpload(t, profile, s3store.Options{}, noReply)
			first := sentAt(t, u.intents.Last())
			time.Sleep(time.Hour)
			u.mustResolve(t, u.want)
			if second := sentAt(t, u.intents.Last()); second.Sub(first) != time.Hour {
				t.Errorf("Complete was saved at %v and %v", first, second)
			}
			u.mustResolve(t, u.want) // once more, which changes nothing
		})
	}
}

func sentAt(t *testing.T, text string) time.Time {
	t.Helper()
	var n struct{ Sent time.Time }
	if err := json.Unmarshal([]byte(text), &n); err != nil || n.Sent.IsZero() {
		t.Fatalf("the intent %q has no time: %v", text, err)
	}
	return n.Sent
}

// TestResolveSendsNothingThatIsNotSaved, and does not give up what was saved
// before.
func TestResolveSendsNothingThatIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newInDoubtUpload(t, fakes3.Linode(), s3store.Options{}, noReply)
		full := errors.New("the disk is full")
		u.srv.Reset()
		if err := u.Resolve(t.Context(), u.intents.Last(), func(string) error { return full }); !errors.Is(err, full) {
			t.Errorf("Resolve: %v, want the error of saveIntent", err)
		}
		if n := u.srv.Stats().Requests; n["CompleteMultipartUpload"]+n["AbortMultipartUpload"] > 0 {
			t.Errorf("without an intent it sent %v", n)
		}
		u.srv.Fault = nil
		u.mustResolve(t, u.want)
	})
}

// TestResolveRestoresADeletedDay: the parts hold it.
func TestResolveRestoresADeletedDay(t *testing.T) {
	for _, profile := range settledProfiles {
		synctest.Test(t, func(t *testing.T) {
			u := newInDoubtUpload(t, profile, s3store.Options{}, noReply)
			u.srv.DeleteObject(s3test.Bucket, "key")
			u.mustResolve(t, u.want)
		})
	}
}

// TestResolveNeverCompletesOverAnother object: it waits for 15 minutes after the last
// Complete, whatever the clock, and then removes the upload.
func TestResolveNeverCompletesOverAnother(t *testing.T) {
	for _, profile := range settledProfiles {
		for name, change := range map[string]func(string) string{
			"as saved":        func(text string) string { return text },
			"from the future": func(text string) string { return changedNote(text, "sent", time.Now().Add(1000*time.Hour)) },
			"without a time":  func(text string) string { return changedNote(text, "sent", nil) },
		} {
			t.Run(profile.Name+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					u := newInDoubtUpload(t, profile, s3store.Options{}, noReply)
					u.intents.Save(change(u.intents.Last()))
					u.srv.PutObject(s3test.Bucket, "key", []byte("other"), nil)
					u.srv.Reset()
					for range 14 {
						err := u.resolve(t)
						if err == nil || errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "until 2000-01-01T00:15:0") {
							t.Fatalf("Resolve: %v, want an error that says until when it waits", err)
						}
						time.Sleep(time.Minute)
					}
					if n := u.srv.Stats().Requests; n["CompleteMultipartUpload"]+n["AbortMultipartUpload"] > 0 {
						t.Errorf("while it waited it sent %v", n)
					}
					time.Sleep(2 * time.Minute)
					u.mustResolve(t, "other")
				})
			})
		}
	}
}

func changedNote(text, name string, value any) string {
	m := map[string]any{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		panic(err)
	}
	if m[name] = value; value == nil {
		delete(m, name)
	}
	b, _ := json.Marshal(m)
	return string(b)
}

// TestResolveReadsTheEnd of the object when it has removed an upload that may have
// made it.
func TestResolveReadsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newInDoubtUpload(t, fakes3.Linode(), s3store.Options{}, noReply)
		u.srv.PutObject(s3test.Bucket, "key", []byte("other"), nil)
		time.Sleep(16 * time.Minute)
		aborted := false
		u.srv.Fault = func(o fakes3.Op) fakes3.Fault {
			aborted = aborted || o.Name == "AbortMultipartUpload"
			if o.Name == "GetObject" && aborted {
				return fakes3.Fault{Reply: fakes3.Error{Status: 500}}
			}
			return fakes3.Fault{}
		}
		if err := u.resolve(t); err == nil || !strings.Contains(err.Error(), "the end of the object cannot be read") {
			t.Errorf("Resolve: %v", err)
		}
	})
}

// TestResolveOfAnUploadThatEnded: nothing is left to do, whatever the object is.
func TestResolveOfAnUploadThatEnded(t *testing.T) {
	for _, profile := range append(settledProfiles, fakes3.RGW16(), fakes3.Versity()) {
		synctest.Test(t, func(t *testing.T) {
			u := newInDoubtUpload(t, profile, s3store.Options{}, fakes3.Fault{Later: true, Reply: fakes3.Error{Status: 503}})
			u.srv.Release()
			s3test.WantContent(t, u, "key", u.want)
			u.srv.PutObject(s3test.Bucket, "key", []byte("later"), nil)
			u.mustResolve(t, "later")
		})
	}
}

// TestRefusedByAProvenCondition: the upload is removed at once, since Complete is
// refused for good. If nothing is proven it is not known what has refused it.
func TestRefusedByAProvenCondition(t *testing.T) {
	for _, profile := range settledProfiles {
		synctest.Test(t, func(t *testing.T) {
			store, srv := s3test.NewSmallParts(profile, s3store.Options{})
			s3test.Prove(t, store, srv)
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", bytes.Repeat([]byte("o"), 400), nil))
			srv.Fault = func(o fakes3.Op) fakes3.Fault {
				if o.Name != "CompleteMultipartUpload" {
					return fakes3.Fault{}
				}
				srv.PutObject(s3test.Bucket, "key", []byte("other"), nil)
				return fakes3.Fault{Reply: fakes3.Error{Status: 412}}
			}
			var n s3test.Intents
			err := store.WriteIntent(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil, n.Save)
			if !errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("WriteIntent: %v, want ErrConflict", err)
			}
			s3test.WantContent(t, store, "key", "other")
			if proven := profile.Complete == fakes3.Honoured; proven {
				s3test.WantOpen(t, srv)
			} else {
				s3test.WantOpen(t, srv, "key")
			}
			if (n.Last() == "") != (profile.Complete == fakes3.Honoured) {
				t.Errorf("saved last: %q", n.Last())
			}
		})
	}
}

// TestAbortUntilItIsGone: a part that is still being copied keeps an upload open,
// and the intent stays until it is gone.
func TestAbortUntilItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(fakes3.Versity(), s3store.Options{})
		s3test.Prove(t, store, srv)
		v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", bytes.Repeat([]byte("o"), 400), nil))
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name == "UploadPartCopy" {
				return fakes3.Fault{Later: true, Reply: fakes3.Error{Status: 500}}
			}
			return fakes3.Fault{}
		}
		var n s3test.Intents
		err := store.WriteIntent(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil, n.Save)
		if err == nil || n.Last() == "" {
			t.Fatalf("WriteIntent: %v, saved %q", err, n)
		}
		if err := store.Resolve(t.Context(), n.Last(), n.Save); err == nil || errors.Is(err, rotatelog.ErrPermanent) {
			t.Errorf("Resolve while the server copies: %v", err)
		}
		s3test.WantOpen(t, srv, "key")
		srv.Release()
		if err := store.Resolve(t.Context(), n.Last(), n.Save); err != nil {
			t.Errorf("Resolve: %v", err)
		}
		s3test.WantOpen(t, srv)
	})
}

// TestMultipartLooksBeforeItCompletes if no condition is proven: what was replaced
// in between is not overwritten.
func TestMultipartLooksBeforeItCompletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
		s3test.Prove(t, store, srv)
		srv.PutObject(s3test.Bucket, "key", bytes.Repeat([]byte("o"), 400), nil)
		v := s3test.Stat(t, store, "key").Version
		srv.Fault = func(o fakes3.Op) fakes3.Fault {
			if o.Name == "UploadPart" {
				srv.PutObject(s3test.Bucket, "key", []byte(strings.Repeat("p", 500)), nil)
				return fakes3.Fault{Delay: 29 * time.Second}
			}
			if o.Name == "UploadPartCopy" {
				return fakes3.Fault{Delay: 2 * time.Second}
			}
			return fakes3.Fault{}
		}
		time.Sleep(2 * time.Second)
		err := store.Write(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, 400), rotatelog.Data([]byte("+"))}, nil)
		if !errors.Is(err, rotatelog.ErrConflict) {
			t.Errorf("Write: %v, want ErrConflict", err)
		}
		s3test.WantContent(t, store, "key", strings.Repeat("p", 500))
		s3test.WantOpen(t, srv)
	})
}
