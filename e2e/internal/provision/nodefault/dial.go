package nodefault

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// throughNode connects the standard streams of a command in a node to an address that the node reaches, and writes a line once it is connected. The
// end of either side ends the other: a command that goes on would outlive its client.
const throughNode = `exec 3<>"/dev/tcp/$1/$2" 4<&0 && echo || exit
cat <&3 & reading=$!
(cat <&4 >&3; kill $reading) &
wait $reading
kill $!`

// Dial connects to a port of an address that a node reaches, such as a pod's, without the cluster's API server. The connection keeps no deadlines.
func (n *Nodes) Dial(ctx context.Context, node, ip string, port int) (net.Conn, error) {
	if err := n.checkOwned(ctx, node); err != nil {
		return nil, err
	}
	// The connection outlives its dialing.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	cmd := n.engine.Command(running, "exec", "--interactive", node, "bash", "-c", throughNode, "dial", ip, strconv.Itoa(port))
	c, err := connect(ctx, cmd, stop)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s from node %s: %w", net.JoinHostPort(ip, strconv.Itoa(port)), node, err)
	}
	return c, nil
}

// connect starts a command that writes a line once its standard streams are connected, and stops it when ctx ends before.
func connect(ctx context.Context, cmd *exec.Cmd, stop context.CancelFunc) (*streams, error) {
	c := &streams{}
	var err error
	if c.in, err = cmd.StdinPipe(); err == nil {
		c.out, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		stop()
		return nil, err
	}
	c.end = sync.OnceFunc(func() {
		stop()
		_ = c.in.Close()
		_ = cmd.Wait() // It was stopped, which is its error.
	})
	late := context.AfterFunc(ctx, c.end)
	if _, err = io.ReadFull(c.out, make([]byte, 1)); !late() {
		err = context.Cause(ctx)
	}
	if err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// streams are a connection over the standard streams of a command.
type streams struct {
	in  io.WriteCloser
	out io.ReadCloser
	end func()
}

func (s *streams) Read(p []byte) (int, error)  { return s.out.Read(p) }
func (s *streams) Write(p []byte) (int, error) { return s.in.Write(p) }

// Close ends the command.
func (s *streams) Close() error {
	s.end()
	return nil
}

// LocalAddr and RemoteAddr name what is known of the two ends.
func (*streams) LocalAddr() net.Addr  { return through{} }
func (*streams) RemoteAddr() net.Addr { return through{} }

// The deadlines of a command's streams cannot be set.
func (*streams) SetDeadline(time.Time) error      { return nil }
func (*streams) SetReadDeadline(time.Time) error  { return nil }
func (*streams) SetWriteDeadline(time.Time) error { return nil }

// through is the address of either end.
type through struct{}

func (through) Network() string { return "exec" }
func (through) String() string  { return "a command in a node" }
