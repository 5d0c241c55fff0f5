package s3store

import "github.com/aws/aws-sdk-go-v2/service/s3"

// NewTransport returns the transport of the clients that NewClient makes.
var NewTransport = newTransport

// Guarded returns the client that guards another.
func Guarded(client s3.HTTPClient) s3.HTTPClient { return &guard{client} }
