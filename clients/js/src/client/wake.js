// When a page or its network comes back.

/**
 * @param {(isUrgent: boolean) => void} wake `isUrgent`: now is a good moment to connect
 * @returns {() => void} ends it
 */
export function onWake(wake) {
  const { document } = globalThis;
  if (!document || !globalThis.addEventListener) return () => {};
  const online = () => wake(true);
  const offline = () => wake(false);
  const visible = () => {
    if (document.visibilityState === 'visible') wake(true);
  };
  globalThis.addEventListener('online', online);
  globalThis.addEventListener('offline', offline);
  document.addEventListener('visibilitychange', visible);
  return () => {
    globalThis.removeEventListener('online', online);
    globalThis.removeEventListener('offline', offline);
    document.removeEventListener('visibilitychange', visible);
  };
}
