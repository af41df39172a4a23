package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/load"
)

// What clients ask of their leases: that they last longer than any spec, so that an entry that is gone is a lost one, and are kept alive meanwhile.
const (
	leaseSeconds    = 3600
	leaseAliveEvery = 5 * time.Second
)

// lease is that of one client.
type lease struct {
	id    clientv3.LeaseID // clientv3.NoLease until it is granted
	alive time.Time        // when it was granted, or kept alive last
}

// session is what one client uses of a member: every other of its entries is bound to its lease.
type session struct {
	*member
	lease *lease
}

// Put writes a value, and leaves its entry.
func (s session) Put(ctx context.Context, key string, value int64) error {
	return s.write(ctx, value, func(id clientv3.LeaseID) error { return s.put(ctx, key, value, id) })
}

// Swap writes a value, and leaves its entry, if the key holds another, and returns what the key held.
func (s session) Swap(ctx context.Context, key string, expected, value int64) (found int64, err error) {
	err = s.write(ctx, value, func(id clientv3.LeaseID) (err error) {
		found, err = s.swap(ctx, key, expected, value, id)
		return err
	})
	return found, err
}

// write writes a value whose entry is bound to the lease, or to none. What has no lease was not written.
func (s session) write(ctx context.Context, value int64, request func(clientv3.LeaseID) error) error {
	if value%2 != 0 {
		return request(clientv3.NoLease)
	}
	if err := s.holdLease(ctx); err != nil {
		return fmt.Errorf("%w: its lease: %w", load.ErrRefused, err)
	}
	err := request(s.lease.id)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) {
		s.lease.id = clientv3.NoLease
		return fmt.Errorf("%w: %w", load.ErrRefused, err)
	}
	return err
}

// holdLease has the lease granted, or kept alive when it is time.
func (s session) holdLease(ctx context.Context) error {
	if s.lease.id != clientv3.NoLease && time.Since(s.lease.alive) < leaseAliveEvery {
		return nil
	}
	if s.lease.id == clientv3.NoLease {
		granted, err := s.client.Grant(ctx, leaseSeconds)
		if err != nil {
			return err
		}
		s.lease.id = granted.ID
	} else if _, err := s.client.KeepAliveOnce(ctx, s.lease.id); err != nil {
		if errors.Is(err, rpctypes.ErrLeaseNotFound) {
			s.lease.id = clientv3.NoLease
		}
		return err
	}
	s.lease.alive = time.Now()
	return nil
}
