package main

import (
	"context"
	"errors"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/alert"
	"example.com/rotatelog/internal/settings"
)

// uploadNews tells webhooks of uploads, as ROTATELOG_UPLOADED says. If nobody is to be
// told, it is nil.
type uploadNews struct{ uploads *alert.Uploads }

// newUploadNews returns what tells of uploads. Whatever is wrong with that is a line in the
// journal, and no reason not to keep a fetch.
func (s *stream) newUploadNews(j *journal) *uploadNews {
	a := s.app
	v, ok := a.settings.Env(settings.UploadedName)
	if !ok || v.Text == "" {
		return nil
	}
	to, err := alert.ParseReceivers(v.Text)
	if err == nil && !s.InsecureHTTP {
		err = notInClear(to)
	}
	var uploads *alert.Uploads
	if err == nil {
		uploads, err = alert.NewUploads(alert.UploadsConfig{To: to, Sleep: a.env.Clock.Sleep, Transport: a.env.Transport,
			Failed: func(err error) { j.warn("%v", err) }})
	}
	if err != nil {
		j.warn("%s: %v; nobody is told of uploads", v.Origin, err)
		return nil
	}
	return &uploadNews{uploads}
}

func (n *uploadNews) uploaded(u rotatelog.Uploaded) {
	if n != nil {
		n.uploads.Uploaded(u)
	}
}

// newsTimeout is for how long a run that has ended waits for those it tells.
const newsTimeout = 10 * time.Second

// close waits until all is told, for seconds at most.
func (n *uploadNews) close(ctx context.Context) {
	if n == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, newsTimeout, errors.New("the run has ended"))
	defer cancel()
	n.uploads.Close(ctx)
}
