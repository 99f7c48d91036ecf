import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

interface Point {
  readonly x: number;
  readonly y: number;
}

const app = new Hono();

app.get('/hello/:name', (c) => c.text(`Hello, ${c.req.param('name')}!\n`));

app.post('/distance', async (c) => {
  const points = await c.req.json<Point[]>();
  if (points.length < 2) throw new HTTPException(400, { message: `expected two points or more, got ${points.length}` });
  const legs = points.slice(1).map((to, at) => Math.hypot(to.x - points[at]!.x, to.y - points[at]!.y));
  return c.json({ distance: legs.reduce((sum, leg) => sum + leg) });
});

export default app;
