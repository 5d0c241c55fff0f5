package storeurl

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signer signs requests. The SDK's signer keeps what it has derived from a secret for as
// long as the access key is the same. So a wrong secret that is corrected would stay
// wrong until the next day: here each secret has a signer of its own.
type signer struct {
	mu      sync.Mutex // guards what follows
	secret  string
	current *v4.Signer
}

// SignHTTP implements [s3.HTTPSignerV4].
func (s *signer) SignHTTP(ctx context.Context, key aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time,
	opts ...func(*v4.SignerOptions),
) error {
	return s.of(key.SecretAccessKey).SignHTTP(ctx, key, r, payloadHash, service, region, at, opts...)
}

func (s *signer) of(secret string) *v4.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || secret != s.secret {
		s.secret = secret
		s.current = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }) // as S3 wants it
	}
	return s.current
}
