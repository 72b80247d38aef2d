<!doctype html>
<?php

declare(strict_types=1);

namespace App\Orders;

use App\Money\Currency;
use App\Money\{Amount, Rate as R};
use function App\helpers\format;
use const App\LIMIT;
require_once __DIR__ . '/bootstrap.php';
include "views/head.php";

const STEP = 2;
define('OLD', 1);

/**
 * Keeps items.
 */
#[Entity]
abstract class Store extends Base implements Reader, \Countable
{
    use Loggable;

    public const MAX = 10;
    private array $items = [];
    protected static ?string $name = null, $other;

    // Makes one.
    public function __construct(
        private readonly string $path,
        int $limit = self::MAX,
    ) {
        parent::__construct($limit);
    }

    public static function load(string $path): static
    {
        $found = new self($path);
        Currency::of('EUR')->value();
        $found?->check();
        return $found;
    }

    abstract protected function read(string $key): ?Amount;
}

interface Reader extends Countable { public function size(): int; }
trait Loggable { private $log; }
enum Level: string { case Low = 'low'; case High = 'high'; }

function total(array $prices, ...$rest): float
{
    $sum = array_sum($prices);
    return array_map(fn ($x) => format($x), $prices);
}

$make = function (int $n) use ($sum) { return $n; };
?>
<p><?= total([1]) ?></p>
