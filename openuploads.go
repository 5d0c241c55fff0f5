package rotatelog

import (
	"context"
	"time"
)

// UploadLister may be implemented by a Store besides its methods, if a write that its
// Writer has given up, or did not live to see the end of, may still take effect, as the
// multipart uploads of S3 may. Who takes over the objects of a lost Writer, whose intents
// are lost with it, asks for them.
type UploadLister interface {
	// OpenUploads returns the writes to the key that are not finished.
	OpenUploads(ctx context.Context, key string) ([]OpenUpload, error)
	// AbortUpload ends one of them, so that it takes no effect any more. It must be an
	// error if the upload is younger than 15 minutes: it may be taking effect.
	AbortUpload(ctx context.Context, key, id string) error
}

// OpenUpload is a write that is not finished.
type OpenUpload struct {
	ID  string
	Age time.Duration // since it was begun or last added to, by the store's clock
}
